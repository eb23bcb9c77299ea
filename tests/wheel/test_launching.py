"""Started by root, by systemd, into the background: the same for both hosts."""

import dataclasses
import os
import signal
import socket
import sys

import client
import pytest
from processes import Watch
from server import WSGI_APPS, closed_to_others

APP = "surroundings"

PRIVATE = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "RWSGI_LISTENERS", "RWSGI_PREDECESSOR")

OPENER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])
"""


def as_systemd(host, descriptor):
    """The host, started by somebody who passes this descriptor as systemd would."""
    command = (sys.executable, "-c", OPENER, str(descriptor), *host.command)
    return dataclasses.replace(host, command=command)


def test_a_socket_of_systemd_is_served_and_its_variables_are_gone(host):
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = held.getsockname()
        environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "web", "RWSGI_PREDECESSOR": "1"}
        options = {"pass_fds": [held.fileno()], "env": environment}
        with as_systemd(host, held.fileno()).start(APP, bind=None, **options) as server:
            assert server.ready().address == address
            seen = server.get("/interpreter").json["environment"]
    assert not [name for name in PRIVATE if name in seen]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_workers_are_who_they_are_told_to_be(host):
    if closed := closed_to_others():
        pytest.skip(f"other users cannot enter {closed}")
    with host.start(APP, "--user", "54321", "--group", "54322") as server:
        found = server.ready().get("/identity").json
        master = os.stat(f"/proc/{server.pid}").st_uid
    assert found == {"users": [54321] * 3, "groups": [54322] * 3, "others": [54322], "parent": True}
    assert master == 0


def test_the_background_is_silent_and_ends_on_term(host, tmp_path):
    pid, log, path = tmp_path / "pid", tmp_path / "log", tmp_path / "socket"
    files = ("--pid", str(pid), "--error-logfile", str(log))
    done = host.run(APP, "--daemon", *files, "--bind", f"unix:{path}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    master = int(pid.read_text())
    with Watch([master]) as watch:
        try:
            found = client.request(str(path), "GET", "/interpreter").json
            os.kill(master, signal.SIGTERM)
            left = watch.wait(30)
        finally:
            if watch.wait(0):
                os.kill(master, signal.SIGKILL)
    assert left == []
    assert found["directory"] == str(WSGI_APPS)
    assert "Shutting down: Master" in log.read_text()
    assert sorted(tmp_path.iterdir()) == [log]


def test_what_keeps_the_background_from_starting_is_told(host, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = "{}:{}".format(*held.getsockname())
        done = host.run(APP, "--daemon", "--pid", str(tmp_path / "pid"), "--bind", address)
    assert done.returncode == 1
    assert f"cannot listen on `{address}`" in done.stderr
    assert not list(tmp_path.iterdir())
