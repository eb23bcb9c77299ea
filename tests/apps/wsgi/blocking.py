"""Requests that take long or end the worker: for time-outs, stopping and supervision."""

import ctypes
import os
import time

from routes import Routes, answer

application = Routes()


@application.add("/pid")
def pid(environ, start_response):
    """Which worker answers."""
    return answer(start_response, str(os.getpid()).encode())


@application.add("/wait")
def wait(environ, start_response):
    """Wait until somebody opens the pipe that the query names; `waiting` in the log tells when."""
    environ["wsgi.errors"].write("waiting\n")
    environ["wsgi.errors"].flush()
    with open(environ["QUERY_STRING"]) as pipe:
        pipe.read()
    return answer(start_response, b"done")


@application.add("/sleep")
def sleep(environ, start_response):
    """Blocked without the GIL for a minute."""
    environ["wsgi.errors"].write("sleeping\n")
    time.sleep(60)
    return answer(start_response, b"slept")


@application.add("/busy")
def busy(environ, start_response):
    """Computes for ever."""
    while True:
        pass


@application.add("/gil")
def gil(environ, start_response):
    """A C function that keeps the GIL for a minute."""
    ctypes.PyDLL(None).sleep(60)
    return answer(start_response, b"slept")


@application.add("/exit")
def leave(environ, start_response):
    """The worker process ends at once, without a word."""
    os._exit(7)
