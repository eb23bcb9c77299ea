"""Tests of the comparison itself: `pytest benches/load`.

A benchmark that judges wrongly, or that leaves a server behind, is worse than none.
"""
# ruff: noqa: S101 - pytest is made of asserts

import sys
from pathlib import Path

import pytest
import wrk
from accounting import cpu_seconds, pss_kib
from options import parse
from servers import Server
from session import BenchError, running
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

    def make(start):
        return [sys.executable, "-c", program, str(start.address[1])]

    return Server("fake", python, python, make, version="0")


@pytest.mark.parametrize(
    "wrong",
    [
        "--only=nginx",
        "--scenes=x",
        "--rounds=0",
        "--seconds=1.5",
        "--pin=-1",
        "--server=mine",
        "--server=mine=no place for the address",
        "--server=bjoern=run {port}",
    ],
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


def test_the_whole_tree_is_counted_and_ended(tmp_path):
    options = parse(["--out", str(tmp_path)])
    with running(server_of(ONE_CHILD), HELLO.launch(options), options) as session:
        tree = session.tree()
        assert (len(tree), tree[0]) == (2, session.pid)
        assert cpu_seconds(tree)[session.pid] > 0
        assert pss_kib(session.pid) > 1000
    assert session.tree() == []


def test_a_failure_leaves_nothing_behind(tmp_path):
    options = parse(["--out", str(tmp_path)])
    launch = HELLO.launch(options)
    with (
        pytest.raises(ZeroDivisionError),
        running(server_of(ONE_CHILD), launch, options) as session,
    ):
        raise ZeroDivisionError
    assert session.tree() == []


def test_a_server_that_dies_is_reported_with_its_log(tmp_path):
    dying = server_of("import sys; sys.exit('no such thing')")
    options = parse(["--out", str(tmp_path)])
    with (
        pytest.raises(BenchError, match="ended with 1; its log ends: no such thing"),
        running(dying, HELLO.launch(options), options),
    ):
        pytest.fail("it counted as ready")
