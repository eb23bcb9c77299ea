import os

bind = ["0.0.0.0:8080"]
workers = 1  # one process for each pod: the autoscaler adds pods
worker_class = "gthread"
threads = int(os.environ.get("GUNICORN_THREADS", 4))
worker_tmp_dir = "/dev/shm"

# Shorter than terminationGracePeriodSeconds.
graceful_timeout = 25
timeout = 60
keepalive = 65  # longer than the idle timeout of the balancer

accesslog = "-"
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "info").lower()


def worker_int(worker):
    worker.log.info("worker received INT or QUIT signal")


def pre_fork(server, worker):
    server.log.info("pod %s forks worker %s", os.environ.get("HOSTNAME"), worker.age)


def post_fork(server, worker):
    server.log.info("Worker spawned (pid: %s)", worker.pid)
