"""prometheus_client's multiprocess mode, as its documentation says for Gunicorn."""

from prometheus_client import multiprocess


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
