"""Requests that take long or end the worker: for time-outs, stopping and supervision."""

import contextlib
import ctypes
import os
import socket
import time

from routes import Routes, answer
from rwsgi import RequestTimeout

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
    """A C function that keeps the GIL for ever: a lock taken twice, which no signal ends."""
    mutex, lock = ctypes.create_string_buffer(64), ctypes.PyDLL(None).pthread_mutex_lock
    lock(mutex)
    lock(mutex)


@application.add("/socket")
def receive(environ, start_response):
    """Waits for bytes that never come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.recv(1)


@application.add("/tidy")
def tidy(environ, start_response):
    """Catches what it may, and puts its things in order."""
    try:
        time.sleep(60)
    except Exception:
        environ["wsgi.errors"].write("caught by mistake\n")
    except RequestTimeout as timeout:
        environ["wsgi.errors"].write(f"in order: {timeout}\n")
        raise


@application.add("/stubborn")
def stubborn(environ, start_response):
    """Catches everything."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


@application.add("/extend")
def extend(environ, start_response):
    """Asks for the time that it needs."""
    environ["rwsgi.deadline"].extend(60)
    time.sleep(1.5)
    return answer(start_response, b"%d" % environ["rwsgi.deadline"].remaining())


@application.add("/exit")
def leave(environ, start_response):
    """The worker process ends at once, without a word."""
    os._exit(7)
