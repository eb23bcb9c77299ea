"""What the process looks like to the application: interpreter, signals, threads, children."""

import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading

from routes import Routes, answer

application = Routes()
IMPORTED_IN = threading.current_thread()


@application.add("/interpreter")
def interpreter(environ, start_response):
    """Where Python and the process stand."""
    found = {
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "version": list(sys.version_info[:2]),
        "path": sys.path,
        "directory": os.getcwd(),
        "pid": os.getpid(),
        "environment": dict(os.environ),
    }
    return _show(start_response, found)


@application.add("/identity")
def identity(environ, start_response):
    """As whom the process runs, and whether it still dies with its parent."""
    found = {
        "users": os.getresuid(),
        "groups": os.getresgid(),
        "others": os.getgroups(),
        "parent": _death_signal() == signal.SIGTERM,
    }
    return _show(start_response, found)


def _death_signal():
    """What the kernel sends this process when its parent ends (PR_GET_PDEATHSIG)."""
    number = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(number), 0, 0, 0)
    return number.value


@application.add("/signals")
def signals(environ, start_response):
    """Handlers as Python sees them."""
    return _show(
        start_response,
        {name: repr(signal.getsignal(getattr(signal, name))) for name in ("SIGINT", "SIGTERM")},
    )


@application.add("/threads")
def threads(environ, start_response):
    """Is this the main thread, and the one that imported the application?"""
    current = threading.current_thread()
    return _show(
        start_response,
        {
            "main": current is threading.main_thread(),
            "importer": current is IMPORTED_IN,
            "native_id": threading.get_native_id(),
            "pid": os.getpid(),
        },
    )


@application.add("/subprocess")
def child(environ, start_response):
    """A child Python of the same interpreter."""
    code = "import sys; print(sys.prefix)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    return _show(start_response, {"prefix": done.stdout.strip()})


@application.add("/spawn")
def spawn(environ, start_response):
    """multiprocessing with its spawn method, which imports the main script again."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return _show(start_response, {"length": pool.apply_async(len, ("four",)).get(timeout=30)})


@application.add("/handler")
def handler(environ, start_response):
    """A signal handler of the application's own runs while the request does."""
    seen = []
    signal.signal(signal.SIGUSR2, lambda number, frame: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR2)
    return _show(start_response, {"seen": seen == [signal.SIGUSR2]})


def _show(start_response, value):
    return answer(start_response, json.dumps(value).encode(), "application/json")
