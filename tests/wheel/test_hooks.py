"""Gunicorn's hooks: the same settings file under Gunicorn and rwsgi calls the same functions."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from processes import Watch
from server import APPS, WSGI_APPS, Host
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


@pytest.fixture
def begin(host, tmp_path):
    """Start a server with the text of a settings file."""

    def start(text, application="noted", **options):
        path = tmp_path / "gunicorn.conf.py"
        path.write_text(text)
        return host.start("-c", str(path), application, **{"cwd": HOOKS, **options})

    return start


def raising(*hooks):
    """A settings file whose hooks all raise."""
    parameters = {"nworkers_changed": "a, b, c", "child_exit": "a, b", "worker_exit": "a, b"}
    return "".join(
        f"def {hook}({parameters.get(hook, 'a')}):\n    raise ValueError('{hook} is broken')\n"
        for hook in hooks
    )


def told_of(server, hook, after=0):
    """The log has the hook's name and the traceback."""
    server.log.wait(rf"\[ERROR\] Exception in the hook `{hook}`", after=after)
    server.log.wait(rf"^ValueError: {hook} is broken", after=after)


@pytest.mark.parametrize(
    ("hook", "parameters", "code"),
    [
        ("on_starting", "server", 1),
        ("when_ready", "server", 1),
        ("post_fork", "server, worker", 3),
        ("post_worker_init", "worker", 3),
    ],
)
def test_a_hook_that_raises_at_the_start_ends_it(begin, hook, parameters, code):
    text = f"def {hook}({parameters}):\n    raise ValueError('{hook} is broken')\n"
    with begin(text) as server:
        assert server.wait() == code
        told_of(server, hook)


def test_a_hook_that_wants_to_leave_at_the_start_ends_it(begin):
    with begin("import sys\ndef when_ready(server): sys.exit('no database')") as server:
        assert server.wait() == 1
        server.log.wait(r"^SystemExit: no database")


def test_other_hooks_that_raise_are_told_and_the_server_goes_on(begin):
    hooks = ("nworkers_changed", "worker_exit", "child_exit", "on_exit")
    with begin(raising(*hooks)) as server:
        (pid,) = server.ready().worker_pids()
        told_of(server, "nworkers_changed")
        os.kill(pid, signal.SIGTERM)
        server.log.wait("Worker ready", count=2)
        told_of(server, "worker_exit")
        told_of(server, "child_exit")
        assert server.get("/").text == "hello"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        told_of(server, "on_exit")


def test_a_reload_is_given_up_for_the_sake_of_its_hook(begin):
    with begin(raising("on_reload")) as server:
        (pid,) = server.ready().worker_pids()
        server.signal(signal.SIGHUP)
        told_of(server, "on_reload")
        server.log.wait("reload failed, still serving generation 1")
        assert server.get("/").text == "hello"
        assert server.worker_pids() == [pid]


def test_a_request_that_its_hook_refuses_is_a_500(begin):
    text = "def pre_request(worker, req):\n    if req.path == '/no': raise ValueError('no')\n"
    with begin(text) as server:
        server.ready()
        assert server.get("/no").status == 500
        server.log.wait("Exception in the hook `pre_request`")
        assert server.get("/").text == "hello"


def test_a_worker_that_is_declared_dead_is_replaced(begin):
    text = "def post_request(worker, req):\n    worker.alive = worker.nr < 2\n"
    with begin(text) as server:
        server.ready()
        for _ in range(3):
            assert server.get("/").text == "hello"
        server.log.wait("Autorestarting worker after current request")
        server.log.wait("Worker ready", count=2)


def test_a_worker_that_hangs_at_its_import_is_aborted_by_its_hook(begin, pipe):
    text = (
        "def worker_abort(worker): worker.log.error('aborted at %s', worker.booted)\n"
        "def worker_exit(server, worker): worker.log.error('exited')\n"
    )
    options = {"env": {"WAIT_FOR": str(pipe), "RWSGI_BOOT_TIMEOUT": "1"}, "cwd": WSGI_APPS}
    with begin(text, "waits_at_import", **options) as server:
        server.log.wait(r"\[ERROR\] aborted at False")
        server.log.wait(r"\[ERROR\] exited")


def test_before_the_program_is_started_anew_a_hook_is_called(begin):
    with begin("def pre_exec(server): server.log.info('anew from %s', server.pid)") as server:
        server.ready().signal(signal.SIGUSR2)
        server.log.wait(rf"\[INFO\] anew from {server.pid}")
        starts = server.log.wait(r"\[(\d+)\] \[INFO\] Starting rwsgi", count=2)
        server.log.wait(r"Worker ready", count=2)
        with Watch([int(starts[1][1])]) as watch:
            os.kill(int(starts[1][1]), signal.SIGTERM)
            assert watch.wait(30) == []


def test_a_file_that_starts_a_thread_is_executed_by_each_worker(begin, tmp_path):
    text = (
        "import threading, os\n"
        "EXECUTED_IN = os.getpid()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "def post_fork(server, worker):\n"
        "    worker.log.info('own: %s', EXECUTED_IN == os.getpid())\n"
        "def child_exit(server, worker): server.log.info('gone: %s', worker.age)\n"
    )
    with begin(text) as server:
        (pid,) = server.ready().worker_pids()
        server.log.wait(r"\[WARNING\] .*threads")
        server.log.wait(rf"\[{pid}\] \[INFO\] own: True")
        os.kill(pid, signal.SIGKILL)
        server.log.wait(r"\[INFO\] gone: 1")
        server.log.wait("Worker ready", count=2)


def test_a_worker_that_is_asked_to_leave_while_its_hook_runs_leaves_behind_it(begin, pipe):
    text = (
        "import os\n"
        "def post_worker_init(worker):\n"
        "    worker.log.info('initialising')\n"
        "    open(os.environ['WAIT_FOR']).close()\n"
        "def worker_exit(server, worker): worker.log.info('exited')\n"
    )
    with begin(text, env={"WAIT_FOR": str(pipe)}) as server:
        (booted,) = server.log.wait(r"\[(\d+)\] \[INFO\] initialising")
        os.kill(int(booted[1]), signal.SIGTERM)
        writer = os.open(pipe, os.O_RDWR)
        server.log.wait(rf"\[{booted[1]}\] \[INFO\] exited")
        server.log.wait(r"Worker ready", count=2)
        os.close(writer)
