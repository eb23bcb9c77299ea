"""Every hook writes a line: its name, where it runs, what it got. For Gunicorn and rwsgi."""

import os

NOTES = os.environ["NOTES"]
EXECUTED_IN = os.getpid()

control_socket_disable = True
graceful_timeout = 10


def _note(hook, *told):
    place = "server" if os.getpid() == EXECUTED_IN else "worker"
    with open(NOTES, "a") as notes:
        notes.write(" ".join(map(str, (hook, place, *told))) + "\n")


def _worker(worker):
    pid = worker.pid if worker.pid == "[booting]" else "pid"
    return f"age={worker.age} pid={pid} alive={worker.alive} booted={worker.booted}"


def on_starting(server):
    _note("on_starting", server.num_workers, len(server.WORKERS), server.proc_name)


def when_ready(server):
    _note("when_ready", server.num_workers, len(server.WORKERS))


def on_reload(server):
    _note("on_reload", server.num_workers, server.cfg.workers)


def nworkers_changed(server, new_value, old_value):
    _note("nworkers_changed", new_value, old_value, server.num_workers)


def pre_fork(server, worker):
    _note("pre_fork", _worker(worker))


def post_fork(server, worker):
    mine = worker.pid == os.getpid() and worker.ppid == server.pid == os.getppid()
    _note("post_fork", _worker(worker), mine, worker.pid in server.WORKERS)


def post_worker_init(worker):
    _note("post_worker_init", _worker(worker), callable(worker.wsgi), worker.nr)


def pre_request(worker, req):
    version = ".".join(map(str, req.version))
    _note("pre_request", _worker(worker), req.method, req.uri, req.path, req.query, version)
    req.headers.append(("X-NOTED", "yes"))


def post_request(worker, req, environ, resp):
    headers = [name for name, _ in resp.headers]
    sent = (resp.status, resp.status_code, headers, resp.sent)
    _note("post_request", _worker(worker), req.path, environ["HTTP_X_NOTED"], *sent)


def worker_int(worker):
    _note("worker_int", f"age={worker.age}")


def worker_abort(worker):
    _note("worker_abort", f"age={worker.age}")


def worker_exit(server, worker):
    _note("worker_exit", f"age={worker.age}", worker.booted, worker.pid == os.getpid())


def child_exit(server, worker):
    _note("child_exit", f"age={worker.age}", worker.pid in server.WORKERS)


def pre_exec(server):
    with open(NOTES, "a") as notes:  # Gunicorn calls it in a child of its own
        notes.write("pre_exec\n")


def on_exit(server):
    _note("on_exit", len(server.WORKERS))
