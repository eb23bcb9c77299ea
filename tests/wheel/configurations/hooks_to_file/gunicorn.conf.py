workers = 1


def note(*words):
    with open("hooks.log", "a") as log:
        print(*words, file=log)


def on_starting(server):
    note("starting")


def when_ready(server):
    note("ready", len(server.WORKERS))


def nworkers_changed(server, new, old):
    note("workers", new, old)


def pre_fork(server, worker):
    note("before fork", worker.age, worker.pid)


def post_fork(server, worker):
    note("after fork", worker.age)


def post_worker_init(worker):
    note("initialised", worker.age, worker.alive)


def worker_exit(server, worker):
    note("leaving", worker.age)


def child_exit(server, worker):
    note("gone", worker.age)


def on_exit(server):
    note("over")
