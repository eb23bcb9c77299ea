"""Error log and access log: shapes, targets, and logs that cannot be written."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import client
import pytest
from log import PATIENCE, Log

APP = "bodies"

ERROR_LINE = (
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] "
    r"\[(DEBUG|INFO|WARNING|ERROR|CRITICAL)\] \S"
)
ACCESS_LINE = (
    r"^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"POST /read\?q=1 HTTP/1\.1" 200 6 "http://from/" "agent \\"x\\""$'
)
HEADERS = [("Referer", "http://from/"), ("User-Agent", 'agent "x"')]
JSON = ("--log-format", "json")


def post(server):
    """A request whose access line is ACCESS_LINE."""
    return server.request("POST", "/read?q=1", headers=HEADERS, body=b"body")


def test_error_log(host):
    with host.start(APP) as server:
        server.ready().signal(signal.SIGTERM)
        assert server.wait() == 0
        text = server.log.text
        for line in text.splitlines():
            assert re.match(ERROR_LINE, line), line
        for expected in ("Starting rwsgi", "Listening at: http://127.0.0.1:", "Shutting down"):
            assert expected in text
        assert server.out.end() == ""  # stdout is for data only


def test_the_listening_line_names_the_master(host):
    with host.start(APP) as server:
        (match,) = server.ready().log.wait(r"Listening at: http://127\.0\.0\.1:\d+ \((\d+)\)")
        assert int(match[1]) == server.pid


def test_error_log_file(host, tmp_path):
    path = tmp_path / "error.log"
    path.write_text("an older line\n")
    with host.start(APP, "--error-logfile", str(path)) as server, follow(path) as lines:
        lines.wait("an older line")
        lines.wait("Worker ready")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.log.text == ""


@pytest.mark.parametrize(("level", "seen"), [("info", True), ("error", False)])
def test_log_level(host, level, seen, pipe):
    environment = {"WAIT_FOR": str(pipe)}
    with host.start("waits_at_import", "--log-level", level, env=environment) as server:
        pipe.open("w").close()  # waits for the worker, which has nothing else to tell it is there
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert ("Listening at" in server.log.text) is seen


def test_access_log_is_off_by_default(host):
    with host.start(APP) as server:
        assert post(server.ready()).status == 200
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.out.end() == ""
        assert "/read" not in server.log.text


def test_access_log_on_stdout(host):
    with host.start(APP, "--access-logfile", "-") as server:
        post(server.ready())
        server.out.wait(ACCESS_LINE)


def test_access_log_file_is_complete_after_a_stop(host, tmp_path):
    path = tmp_path / "access.log"
    path.write_text("an older line\n")
    with host.start(APP, "--access-logfile", str(path)) as server:
        server.ready()
        for _ in range(20):
            post(server)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    older, *lines = path.read_text().splitlines()
    assert older == "an older line"
    assert len(lines) == 20
    for line in lines:
        assert re.search(ACCESS_LINE, line), line


FORMAT = {
    "%(h)s": r"127\.0\.0\.1",
    "%(l)s": "-",
    "%(u)s": "user",
    "%(m)s": "POST",
    "%(U)s": "/read",
    "%(q)s": "q=1",
    "%(H)s": r"HTTP/1\.1",
    "%(r)s": r"POST /read\?q=1 HTTP/1\.1",
    "%(s)s": "200",
    "%(B)s": "6",
    "%(b)s": "6",
    "%(T)s": "0",
    "%(M)s": r"\d+",
    "%(D)s": r"\d+",
    "%(L)s": r"0\.\d{6}",
    "%(p)s": r"<\d+>",
    "%({x-in}i)s": "in",
    "%({X-Missing}i)s": "-",
    "%({content-type}o)s": "application/json",
    "%%": "%",
}


def test_access_log_format(host):
    template = "|".join(FORMAT)
    headers = [("X-In", "in"), ("Authorization", "Basic dXNlcjpwYXNz")]
    with host.start(APP, "--access-logfile", "-", "--access-logformat", template) as server:
        server.ready().request("POST", "/read?q=1", headers=headers, body=b"body")
        server.out.wait("^" + r"\|".join(FORMAT.values()) + "$")


def test_an_access_log_format_that_cannot_be_used_is_refused(host):
    for atom in ("%({x-id}q)s", "%(nothing)s", "%(h"):
        done = host.run(APP, "--access-logformat", atom)
        assert done.returncode == 2
        assert "`access_log_format` from `--access-logformat`" in done.stderr
        assert atom.removeprefix("%(").removesuffix(")s") in done.stderr


def test_a_request_cannot_forge_a_line(host):
    with host.start(APP, "--access-logfile", "-", "--access-logformat", "[%(U)s]") as server:
        server.ready().get("/x%0A[forged]")
        server.get("/next")
        server.out.wait(r"^\[/next\]$")
        assert len(server.out.text.splitlines()) == 2


@pytest.mark.parametrize("name", ["--access-logfile", "--error-logfile"])
def test_a_full_disk_stops_no_request(host, name, tmp_path, pipe):
    path = f"{tmp_path}/socket"
    environment = {"WAIT_FOR": str(pipe)}
    with host.start("waits_at_import", name, "/dev/full", bind=f"unix:{path}", env=environment):
        pipe.open("w").close()  # waits for the worker: there is no log to tell that it is there
        for _ in range(20):
            assert client.request(path, "GET", "/exception").status == 500
        assert client.request(path, "GET", "/pid").status == 200


@pytest.mark.parametrize("state", ["closed", "unread"])
def test_an_access_log_that_nobody_reads_stops_no_request(host, state):
    reading, writing = os.pipe()
    with host.start(APP, "--access-logfile", "-", stdout=writing) as server:
        os.close(writing)
        server.ready()
        with open(reading, "rb") as pipe, server.connect() as connection:
            if state == "closed":
                pipe.close()
            request = client.message("GET", "/ignored", headers=[("User-Agent", "x" * 1000)])
            for _ in range(200):  # about 200 kB: more than a pipe holds
                connection.send(request)
                assert connection.response().status == 200


@pytest.mark.parametrize("state", ["closed", "unread"])
def test_an_error_log_that_nobody_reads_stops_no_request(host, state, tmp_path):
    reading, writing = os.pipe()
    path = f"{tmp_path}/socket"
    with host.start("broken", bind=f"unix:{path}", stderr=writing):
        os.close(writing)
        with open(reading) as pipe:
            assert any("Worker ready" in line for line in pipe)
            if state == "closed":
                pipe.close()
            for _ in range(300):  # each with a traceback: more than a pipe holds
                assert client.request(path, "GET", "/exception").status == 500


def parsed(log, pattern):
    """The first line in which `pattern` is found, read as JSON."""
    (match,) = log.wait(pattern)
    return json.loads(match.string)


def test_error_log_as_json(host):
    with host.start("broken", *JSON) as server:
        booting = parsed(server.log, "Booting worker")
        assert set(booting) == {"time", "pid", "level", "message"}
        assert (booting["level"], type(booting["pid"])) == ("INFO", int)
        assert datetime.fromisoformat(booting["time"]).tzinfo is not None
        address = re.search(r"http://(.*):(\d+) ", parsed(server.log, "Listening at")["message"])
        server.log.wait("Worker ready")
        client.request((address[1], int(address[2])), "GET", "/exception")
        error = parsed(server.log, "Error handling request")
        assert error["message"] == "Error handling request GET /exception"
        assert error["traceback"].startswith("Traceback (most recent call last):\n  File ")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        for line in server.log.text.splitlines():
            json.loads(line)


def test_wsgi_errors_as_json(host):
    with host.start("access", *JSON) as server:
        address = re.search(r"http://(.*):(\d+) ", parsed(server.log, "Listening at")["message"])
        server.log.wait("Worker ready")
        client.request((address[1], int(address[2])), "GET", "/printed")
        line = parsed(server.log, "to errors")
        assert (line["message"], line["source"]) == ("to errors", "wsgi.errors")


def read(path):
    with contextlib.suppress(FileNotFoundError):
        return Path(path).read_text()
    return ""


def wait_for(is_so):
    """A file tells nobody when it changes."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it does not come"


@contextlib.contextmanager
def follow(path):
    """The lines of a file as they are written."""
    command = ["tail", "-n", "+1", "-F", str(path)]
    tail = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield Log(tail.stdout)
    finally:
        tail.kill()
        tail.wait()
