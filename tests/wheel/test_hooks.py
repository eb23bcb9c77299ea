"""Gunicorn's hooks: the same settings file under Gunicorn and rwsgi calls the same functions."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from server import APPS, Host
from test_logs import follow

HOOKS = APPS / "hooks"
CONFIG = str(HOOKS / "noting.conf.py")
GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))

SERVER_HOOKS = ("on_", "when_ready", "nworkers_changed", "pre_exec")


def wait_for_workers(notes, count):
    """Until so many workers have been initialised since the start."""
    notes.wait("^post_worker_init ", count=count)


def serve_and_stop(server, notes):
    wait_for_workers(notes, 2)
    assert server.get("/a%20b?x=1").text == "hello"
    notes.wait("^post_request ")
    server.signal(signal.SIGTERM)


def reload(server, notes):
    wait_for_workers(notes, 2)
    server.signal(signal.SIGHUP)
    wait_for_workers(notes, 4)
    notes.wait("^child_exit ", count=2)
    server.signal(signal.SIGTERM)


def more_and_less(server, notes):
    wait_for_workers(notes, 2)
    server.signal(signal.SIGTTIN)
    wait_for_workers(notes, 3)
    server.signal(signal.SIGTTOU)
    notes.wait("^child_exit ")
    server.signal(signal.SIGTERM)


def killed(server, notes):
    """A worker that is killed is told of, and replaced."""
    wait_for_workers(notes, 2)
    (first,) = server.log.wait(r"Booting worker with pid: (\d+)")
    os.kill(int(first[1]), signal.SIGKILL)
    wait_for_workers(notes, 3)
    server.signal(signal.SIGTERM)


def interrupted(server, notes):
    wait_for_workers(notes, 2)
    server.signal(signal.SIGQUIT)


def run(host, tmp_path, course):
    """What the hooks note while a server with two workers takes this course."""
    path = tmp_path / f"{host.name}.txt"
    path.touch()
    arguments = ["-c", CONFIG, "--chdir", str(HOOKS), "noted"]
    with (
        host.start(*arguments, workers=2, env={"NOTES": str(path)}, cwd=HOOKS) as server,
        follow(path) as notes,
    ):
        course(server, notes)
        assert server.wait() == 0
        return path.read_text().splitlines()


def told(lines):
    """The lines of the server's own hooks in order, and those of each worker, by what happened
    to it: in which order workers come, and which of them serves, is nobody's promise."""
    server = [line for line in lines if line.startswith(SERVER_HOOKS)]
    workers = {}
    for line in lines:
        if match := re.search(r" age=(\d+)", line):
            workers.setdefault(match[1], []).append(line.replace(match[0], ""))
    return server, sorted(workers.values())


@pytest.mark.parametrize(
    "course",
    [serve_and_stop, reload, more_and_less, killed, interrupted],
    ids=lambda it: it.__name__,
)
def test_the_hooks_are_called_as_under_gunicorn(host, tmp_path, course):
    expected, found = (told(run(one, tmp_path, course)) for one in (GUNICORN, host))
    assert found == expected
