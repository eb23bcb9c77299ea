"""Call a WSGI application in a loop and tell what one call costs, as one line of JSON.

One call is what no server can leave out: an environ, the application, its body, `close()`. As a
program it is run in the application's environment and folder, and the question comes on standard
input. A server that embeds a Python of its own serves `application` instead: the question comes as
the body of a request, and the loop runs in that Python.
"""

import importlib
import io
import json
import sys
import time

BATCH = 100
"""Calls between two looks at the clock, so that looking costs nothing."""


def main() -> None:
    """Answer the question on standard input."""
    # As a script's folder stands first, this one's modules would shadow the application's.
    sys.path[0] = ""
    print(json.dumps(answer(json.load(sys.stdin))))


def application(environ, start_response):
    """Answer the question in the body of a POST; anything else shows that the server is ready."""
    told = b"ready"
    if environ["REQUEST_METHOD"] == "POST":
        asked = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        told = json.dumps(answer(json.loads(asked))).encode()
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told]


def answer(question: dict) -> dict:
    """Run the loop: CPU microseconds of one call, and what the application answered."""
    module, _, name = question["application"].partition(":")
    called = getattr(importlib.import_module(module), name)
    template = environ_of(question)
    status, body = call(called, template)
    repeat(called, template, question["seconds"] / 4)
    cost = repeat(called, template, question["seconds"])
    return {"cpu_us": cost, "status": int(status[:3]), "body": body.decode()}


def repeat(called, template: dict, seconds: float) -> float:
    """Call for `seconds` of this thread's CPU time; return the CPU microseconds of one call."""
    calls = 0
    start = now = time.thread_time_ns()
    while now - start < seconds * 1e9:
        for _ in range(BATCH):
            call(called, template)
        calls += BATCH
        now = time.thread_time_ns()
    return (now - start) / calls / 1000


def call(called, template: dict) -> tuple[str, bytes]:
    """Make one request as a server does: (status line, body)."""
    statuses = []

    def start_response(status, headers, exc_info=None):
        statuses.append(status)

    environ = dict(template)
    environ["wsgi.input"] = io.BytesIO()
    told = called(environ, start_response)
    body = b"".join(told)
    if hasattr(told, "close"):
        told.close()
    return statuses[0], body


def environ_of(question: dict) -> dict:
    """Build the environ that a server would make of the load generator's request (PEP 3333)."""
    headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in question["headers"].items()}
    path, _, query = question["path"].partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": question["path"],
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "floor",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


if __name__ == "__main__":
    main()
