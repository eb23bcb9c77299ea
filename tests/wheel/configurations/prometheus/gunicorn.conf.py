import os

from prometheus_client import multiprocess

workers = int(os.environ.get("WEB_CONCURRENCY", 2))
bind = "0.0.0.0:8000"


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
    server.log.info("metrics of worker %s are closed", worker.age)
