"""Tests of these programs themselves: `pytest benches/exposed`.

They must not call a leak flat, nor a noisy minute a slow server. The last test runs the soak
itself, with the `rwsgi` beside the python that runs it.
"""
# ruff: noqa: S101 - pytest is made of asserts

import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from borrowed import Traffic, slow_clients
from crowd import QUICK, Crowd, Plan
from settings import parse
from slow import MISSED, Pair, Run, judged
from watch import Process, Record, checks
from wire import Wire, WrongError, expect, request

PROGRAMS = ("slow", "idle", "soak", "memory", "logs")


def process_of(pid: int, rss: int = 50_000, files: int = 15, threads: int = 2) -> Process:
    """Make one sample of a process."""
    return Process(pid, rss=rss, pss=rss, files=files, sockets=1, threads=threads)


def missed(tmp_path: Path, record: Record, log: str = "") -> list[str]:
    """Judge a record, and name what was missed."""
    path = tmp_path / "log"
    path.write_text(log)
    return [check.name for check in checks(record, path) if not check.good]


def record_of(live: list[int], last: Process) -> Record:
    """Make a record of one process with these sizes under load, and this last look at rest."""
    return Record(
        seconds=900,
        live=[[process_of(7, rss=rss)] for rss in live],
        quiet=[[process_of(7)], [last]],
    )


def pair_of(rates: tuple[float, float], p99s: tuple[float, float]) -> Pair:
    """Make a round: requests a second and p99, without and with slow clients."""
    runs = [
        Run(Traffic(int(rate), 1.0, 1.0, p99, wrong_status=0, socket_errors=0), cpu=0.5)
        for rate, p99 in zip(rates, p99s, strict=True)
    ]
    return Pair(*runs, crowd={})


@contextmanager
def serving(*answers: bytes):
    """Answer one connection with these bytes, then close; give the port."""

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            for answer in answers:
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_memory_that_goes_up_and_down_is_flat(tmp_path):
    record = record_of([50_000, 58_000, 51_000, 57_000] * 10, process_of(7))
    assert missed(tmp_path, record) == []


def test_memory_that_grows_slowly_is_not_flat(tmp_path):
    record = record_of([50_000 + 150 * at for at in range(80)], process_of(7))
    assert missed(tmp_path, record) == ["master: memory"]


def test_a_descriptor_and_a_thread_that_stay_are_told(tmp_path):
    record = record_of([50_000] * 8, process_of(7, files=16, threads=3))
    assert missed(tmp_path, record) == ["master: descriptors", "master: threads"]


def test_a_worker_that_was_replaced_is_told(tmp_path):
    assert missed(tmp_path, record_of([50_000] * 8, process_of(8))) == ["processes"]


def test_a_traceback_that_was_not_planned_is_told(tmp_path):
    record = record_of([50_000] * 8, process_of(7))
    trace = "Traceback (most recent call last):\n  File …\n    raise PlannedError\n"
    assert missed(tmp_path, record, f"{trace}mixed.PlannedError\n" * 2) == []
    assert missed(tmp_path, record, f"{trace}KeyError: 'a'\n") == ["log: tracebacks"]
    assert missed(tmp_path, record, "[ERROR] thread panicked\n") == ["log: alarms"]


def test_slow_clients_that_cost_little_are_within_the_limit():
    assert judged([pair_of((1000, 901), (1.0, 1.09))] * 3) == "met"


@pytest.mark.parametrize("pair", [pair_of((1000, 899), (1, 1)), pair_of((1000, 1000), (1, 1.11))])
def test_slow_clients_that_cost_much_are_not(pair):
    assert judged([pair] * 3) == MISSED
    assert judged([pair] * 2) == "too short to judge"


def test_a_minute_in_which_loads_differ_anyway_gets_no_verdict():
    pairs = [pair_of((1000, 800), (p99, 2 * p99)) for p99 in (1, 2, 3)]
    assert judged(pairs).startswith("too noisy")


def test_every_kind_of_slow_client_is_spread_over_the_whole_time():
    kinds = slow_clients.mixed(2000, 500)
    for part in (kinds[:1250], kinds[1250:]):
        assert 990 <= part.count(slow_clients.HEADS) <= 1010
        assert 120 <= part.count(slow_clients.STARVING) <= 130
        assert 120 <= part.count(slow_clients.STEADY) <= 130


def test_the_wire_reads_answers_one_after_the_other():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    counted = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno"
    with serving(chunked + counted[:30], counted[30:]) as port, Wire(port) as wire:
        expect(wire.answer(), 200, b"hello")
        expect(wire.answer(), 404, b"no")
        assert wire.read() == b""


def test_the_wire_tells_an_answer_that_breaks_off():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"
    with (
        serving(answer) as port,
        Wire(port) as wire,
        pytest.raises(WrongError, match="16 bytes too early"),
    ):
        wire.answer()


def test_a_request_says_how_long_its_body_is():
    assert request("/", "POST", body=b"ab").endswith(b"Content-Length: 2\r\n\r\nab")
    assert b"Content-Length" not in request("/")


def test_the_crowd_counts_what_goes_wrong_and_pauses(capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    crowd = Crowd(Plan(nobody, clients=4, seed=1, only="one_request"))
    try:
        crowd.resume()
        with crowd.changed:
            assert crowd.changed.wait_for(lambda: crowd.errors.total() > 10, 10)
        assert crowd.pause(10)
        assert crowd.visiting == 0
    finally:
        crowd.end()
    assert list(crowd.errors) == ["one_request: [Errno 111] Connection refused"]
    assert capsys.readouterr().out.count("error: one_request") == 1


def test_the_same_seed_makes_the_same_visits():
    def begin(seed):
        chance = Random(f"{seed}/0")  # noqa: S311 - nothing secret
        return chance.choices([*QUICK], [*QUICK.values()], k=9)

    assert begin(1) == begin(1)
    assert begin(1) != begin(2)


@pytest.mark.parametrize(
    "wrong", [["--seconds=0"], ["--rwsgi-native=x", "--rwsgi-wheel=y"], ["--rwsgi-native=x"]]
)
def test_a_wrong_option_is_refused(wrong):
    with pytest.raises(SystemExit) as ending:
        parse(["soak", *wrong], PROGRAMS)
    assert ending.value.code == 2


def test_a_short_soak_finds_nothing(tmp_path):
    command = [sys.executable, str(Path(__file__).parent), "soak", "--seconds", "30"]
    command += [
        "--rwsgi-wheel",
        str(Path(sys.executable).with_name("rwsgi")),
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
