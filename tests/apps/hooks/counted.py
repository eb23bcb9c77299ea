"""Counts its requests with prometheus_client, in a file for each worker."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess

REQUESTS = Counter("requests", "Requests that were answered.")
ALIVE = Gauge("alive", "Workers that are alive.", multiprocess_mode="livesum")
ALIVE.set(1)


def application(environ, start_response):
    """Give all metrics, or the id of the worker."""
    REQUESTS.inc()
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/pid":
        return [str(os.getpid()).encode()]
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return [generate_latest(registry)]
