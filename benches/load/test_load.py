"""Tests of the comparison itself: `pytest benches/load`.

A benchmark that judges wrongly, or that leaves a server behind, is worse than none.
"""
# ruff: noqa: S101 - pytest is made of asserts

import sys
from pathlib import Path

import pytest
import wrk
from accounting import cpu_seconds, pss_kib
from chart import chart
from options import parse
from report import markdown
from result import Flat, Floor, Load, Result
from servers import Server
from session import BenchError, running
from targets import ABSENT, MET, MISSED, SHORT, judge
from workloads import HELLO

ONE_CHILD = """
import os, sys, time
from wsgiref.simple_server import make_server
sys.path.insert(0, "")
from hello import application
if os.fork() == 0:
    time.sleep(1000)
    os._exit(0)
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""
"""A server with one child, which outlives it unless somebody ends it."""


def server_of(program: str) -> Server:
    """Make a server that is a Python program, called with the port."""
    python = Path(sys.executable)

    def command(_application, port):
        return [sys.executable, "-c", program, str(port)]

    return Server("fake", python, python, command, version="0")


def load_of(workload: str, number: int, cpu_us: float, master_pss_kib: int = 1000) -> Load:
    """Make a run of the native binary with the values that the targets look at."""
    return Load(
        server="rwsgi-native",
        workload=workload,
        round=number,
        cpu_us=cpu_us,
        requests_per_second=1000.0,
        p50_ms=1.0,
        p99_ms=2.0,
        requests=1000,
        socket_errors=0,
        master_pss_kib=master_pss_kib,
        tree_pss_kib=9000,
    )


def result_of(**fields) -> Result:
    """Make a result about the native binary alone."""
    about = {"interpreter": "python", "version": "1", "python": "3", "command": "rwsgi"}
    return Result(options={}, machine={}, servers={"rwsgi-native": about}, left_out={}, **fields)


def loads_result(hello: float, django: float, master_pss_kib: int, rounds: int = 3) -> Result:
    """Make a result of that many equal rounds over a floor of 100 µs."""
    numbers = range(1, rounds + 1)
    loads = [load_of("hello", number, hello, master_pss_kib) for number in numbers]
    loads += [load_of("django", number, django) for number in numbers]
    return result_of(loads=loads, floors=[Floor("python", number, 100.0) for number in numbers])


def verdicts_of(result: Result) -> list[str]:
    """Judge, and keep the verdicts alone: hello, Django, master, worker."""
    return [verdict.verdict for verdict in judge(result)]


def flat_verdict(samples_kib: list[int], requests: int = 10_000) -> str:
    """Judge one row of memory samples."""
    return verdicts_of(result_of(flats=[Flat("rwsgi-native", requests, samples_kib)]))[3]


def test_targets_that_are_just_reached_are_met():
    assert verdicts_of(loads_result(9.0, 130.0, 4096)) == [MET, MET, MET, ABSENT]


def test_targets_that_are_just_not_reached_are_missed():
    assert verdicts_of(loads_result(9.1, 131.0, 4097)) == [MISSED, MISSED, MISSED, ABSENT]


def test_two_rounds_do_not_judge_a_time():
    assert verdicts_of(loads_result(1.0, 1.0, 1, rounds=2)) == [SHORT, SHORT, MET, ABSENT]


def test_django_is_compared_with_the_floor_of_its_own_round():
    loads = [load_of("django", number, 120.0 * number) for number in (1, 2, 3)]
    floors = [Floor("python", number, 100.0 * number) for number in (1, 2, 3)]
    result = result_of(loads=loads, floors=floors)
    assert result.times_floor("rwsgi-native", "django") == pytest.approx(1.2)


def test_the_floor_of_another_interpreter_does_not_count():
    result = loads_result(9.0, 100.0, 1)
    result.floors = [Floor("other", number, 100.0) for number in (1, 2, 3)]
    assert verdicts_of(result)[1] == ABSENT


def test_an_allocator_that_takes_and_gives_back_is_flat():
    assert flat_verdict([20_000] + [30_000, 50_000] * 10) == MET


def test_a_leak_is_not_flat():
    assert flat_verdict([20_000 + step * 450 for step in range(21)]) == MISSED


def test_few_requests_do_not_judge_memory():
    assert flat_verdict([1] * 21, requests=9_999) == SHORT


@pytest.mark.parametrize(
    "wrong", ["--only=nginx", "--workloads=x", "--rounds=0", "--seconds=1.5", "--pin=-1"]
)
def test_a_wrong_option_is_refused(wrong, capsys):
    with pytest.raises(SystemExit) as ending:
        parse([wrong])
    assert ending.value.code == 2
    assert wrong.partition("=")[0] in capsys.readouterr().err


def test_a_relative_program_is_found_from_other_folders():
    assert parse(["--rwsgi-native", "target/release/rwsgi"]).rwsgi_native.is_absolute()


def test_the_line_of_wrk_is_understood():
    line = '{"requests": 9, "microseconds": 2000000, "p50": 1500, "p99": 2500, "status": 1,'
    traffic = wrk.parse(f'Running 1s test\n{line} "socket": 2}}\n')
    assert traffic == wrk.Traffic(9, 2.0, 1.5, 2.5, wrong_status=1, socket_errors=2)


def test_the_report_shows_what_was_measured_and_what_was_not():
    result = result_of(loads=[load_of("hello", number, cost) for number, cost in ((1, 5), (2, 7))])
    result.left_out["bjoern"] = "does not install"
    assert "| rwsgi-native | 6.00           | 5.00 - 7.00" in markdown(result)
    assert "- bjoern: does not install" in markdown(result)
    assert ">rwsgi-native</text>" in chart(result)


def test_the_whole_tree_is_counted_and_ended(tmp_path):
    with running(server_of(ONE_CHILD), HELLO, parse(["--out", str(tmp_path)])) as session:
        tree = session.tree()
        assert (len(tree), tree[0]) == (2, session.pid)
        assert cpu_seconds(tree)[session.pid] > 0
        assert pss_kib(session.pid) > 1000
    assert session.tree() == []


def test_a_failure_leaves_nothing_behind(tmp_path):
    options = parse(["--out", str(tmp_path)])
    with pytest.raises(ZeroDivisionError), running(server_of(ONE_CHILD), HELLO, options) as session:
        raise ZeroDivisionError
    assert session.tree() == []


def test_a_server_that_dies_is_reported_with_its_log(tmp_path):
    dying = server_of("import sys; sys.exit('no such thing')")
    options = parse(["--out", str(tmp_path)])
    with (
        pytest.raises(BenchError, match="ended with 1; its log ends: no such thing"),
        running(dying, HELLO, options),
    ):
        pytest.fail("it counted as ready")
