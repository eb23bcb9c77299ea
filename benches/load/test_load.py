"""Tests of the comparison itself: `pytest benches/load`.

A benchmark that judges wrongly, or that leaves a server behind, is worse than none.
"""
# ruff: noqa: S101 - pytest is made of asserts

import dataclasses
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import wrk
from accounting import cpu_seconds, processes, pss_kib
from floor import measure_floor
from options import parse
from servers import Server, own
from session import BenchError, running
from sites import HELLO_SITE, expect
from workload import Workload
from workloads import FORM, HELLO

RWSGI = Path(sys.executable).with_name("rwsgi")
QUICK = [sys.executable, str(Path(__file__).parent), "--quick", "--no-install"]
QUICK += ["--rwsgi-wheel", str(RWSGI), "--only", "rwsgi-wheel"]
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
        "--only=apache",
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


def test_a_wrong_answer_makes_no_number(tmp_path):
    """The server comes up with the right answer and changes its mind."""
    fickle = ONE_CHILD.replace("serve_forever()", "handle_request()").replace(
        "make_server(",
        "class Late:\n"
        "    asked = 0\n"
        "    def __call__(self, environ, start_response):\n"
        "        Late.asked += 1\n"
        "        if Late.asked > 1:\n"
        "            start_response('500 Broken', [])\n"
        "            return [b'']\n"
        "        return application(environ, start_response)\n"
        "make_server(",
    )
    fickle = fickle.replace("application).handle_request", "Late()).serve_forever")
    options = parse(["--out", str(tmp_path), "--quick"])
    with pytest.raises(BenchError, match="wrong answers of"):
        HELLO.measure(options, server_of(fickle), 1)


def test_a_body_that_is_not_the_right_one_is_refused(tmp_path):
    options = parse(["--out", str(tmp_path)])
    other = dataclasses.replace(HELLO.question, wrong=expect(b"Good bye!"))
    workload = Workload("other", "other", "other", HELLO_SITE, other)
    with (
        pytest.raises(BenchError, match="expected 200 and 9 bytes, b'Good bye!', got 200"),
        running(server_of(ONE_CHILD), workload.launch(options), options, patience=1),
    ):
        pytest.fail("it counted as ready")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_with_a_body_is_written_as_it_goes_over_the_wire(chunked):
    """What wrk sends is read back by Python's own server."""
    body = bytes(range(256)) * 512
    question = dataclasses.replace(FORM, body=body, chunked=chunked)
    sent = wrk.request(question, "localhost")
    ours, theirs = socket.socketpair()
    threading.Thread(target=lambda: (ours.sendall(sent), ours.close())).start()
    with theirs, theirs.makefile("rb") as stream:
        assert stream.readline() == b"POST /form HTTP/1.1\r\n"
        headers = http.client.parse_headers(stream)
        if not chunked:
            assert stream.read(int(headers["Content-Length"])) == body
        else:
            assert (headers["Transfer-Encoding"], headers["Content-Length"]) == ("chunked", None)
            assert unchunked(stream) == body
        assert stream.read() == b""


def unchunked(stream) -> bytes:
    """Read a chunked body to its end."""
    pieces = []
    while size := int(stream.readline(), 16):
        pieces.append(stream.read(size))
        assert stream.readline() == b"\r\n"
    assert stream.readline() == b"\r\n"
    return b"".join(pieces)


@pytest.mark.parametrize("embeds", [False, True])
def test_the_floor_is_measured_in_the_python_that_serves(tmp_path, embeds):
    """Once as a program, once as a request of a server; a wrong answer is no floor."""
    options = parse(["--quick", "--rwsgi-wheel", str(RWSGI), "--out", str(tmp_path)])
    server = dataclasses.replace(own("rwsgi-wheel", options), embeds=embeds)
    assert 0 < measure_floor(options, HELLO.launch(options), server) < 1000
    other = dataclasses.replace(HELLO.question, wrong=expect(b"Good bye!"))
    with pytest.raises(BenchError, match=r"the floor under .* expected 200 and 9 bytes"):
        measure_floor(options, dataclasses.replace(HELLO.launch(options), question=other), server)


def test_a_quick_run_measures_rwsgi_and_any_other_command(tmp_path):
    """The whole program, with the `rwsgi` beside the python that runs it and one stub."""
    stub = tmp_path / "stub.py"
    stub.write_text(f"import sys\nsys.argv[2] == 'hello:application' or sys.exit(3)\n{ONE_CHILD}")
    command = [*QUICK, "--out", str(tmp_path), "--rounds", "2"]
    command += ["--server", f"stub={sys.executable} {stub} {{port}} {{application}}"]
    done = subprocess.run(
        [*command, "--scenes", "hello,hello-w2,upload-1m-chunked"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "result.json").read_text())
    order = [(row["round"], row["scene"], row["server"]) for row in found["rows"]]
    assert order == [
        (1, "hello", "rwsgi-wheel"),
        (1, "hello", "stub"),
        (1, "hello-w2", "rwsgi-wheel"),
        (1, "upload-1m-chunked", "rwsgi-wheel"),
        (2, "hello", "rwsgi-wheel"),
        (2, "hello", "stub"),
        (2, "hello-w2", "rwsgi-wheel"),
        (2, "upload-1m-chunked", "rwsgi-wheel"),
    ]
    (failure,) = found["failures"]
    assert "upload-1m-chunked, stub: stub does not start: it ended with 3" in failure
    assert {row["verdict"] for row in found["verdicts"]} == {"too short to judge", "not measured"}
    assert "| stub " in (tmp_path / "result.md").read_text()
    assert "stub" in (tmp_path / "hello.svg").read_text()


def test_an_interrupted_run_writes_what_it_has_and_leaves_nothing(tmp_path):
    command = [*QUICK, "--out", str(tmp_path), "--rounds", "99", "--scenes", "hello"]
    # A server is given nothing else of the caller's: it shows which one is ours.
    home = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(command, env=home, stdout=subprocess.PIPE, text=True) as run:
        try:
            while "left] round 1" not in (line := run.stdout.readline()):
                assert line
            run.terminate()
            run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 143
    assert "| rwsgi-wheel " in (tmp_path / "result.md").read_text()
    assert started_with(f"HOME={tmp_path}") == []


def started_with(variable: str) -> list[int]:
    """Return the processes that have a variable in their environment."""
    return [pid for pid in processes() if variable in surroundings(pid)]


def surroundings(pid: int) -> str:
    """Read a process's environment; nothing of one that has ended or is another's."""
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""
