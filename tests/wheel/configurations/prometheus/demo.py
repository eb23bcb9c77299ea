"""One gauge of the workers that live, over all processes."""

import os

from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess

ALIVE = Gauge("workers_alive", "workers", multiprocess_mode="livesum")


def application(environ, start_response):
    """Count this worker in, show the sum, or die."""
    if environ["PATH_INFO"] == "/exit":
        os._exit(1)
    ALIVE.set(1)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [generate_latest(registry).splitlines(keepends=True)[-1]]
