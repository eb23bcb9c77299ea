"""Call a WSGI application in a loop and print what one call costs, as one line of JSON.

A program of its own, run in the application's environment and folder; the question comes on
standard input. One call is what no server can leave out: an environ, the application, its
body, `close()`.
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
    question = json.load(sys.stdin)
    # As a script's folder stands first, this one's modules would shadow the application's.
    sys.path[0] = ""
    module, _, name = question["application"].partition(":")
    application = getattr(importlib.import_module(module), name)
    template = environ_of(question)
    status, body = call(application, template)
    repeat(application, template, question["seconds"] / 4)
    cost = repeat(application, template, question["seconds"])
    print(json.dumps({"cpu_us": cost, "status": int(status[:3]), "body": body.decode()}))


def repeat(application, template: dict, seconds: float) -> float:
    """Call for `seconds` of CPU time; return the CPU microseconds of one call."""
    calls = 0
    start = now = time.process_time_ns()
    while now - start < seconds * 1e9:
        for _ in range(BATCH):
            call(application, template)
        calls += BATCH
        now = time.process_time_ns()
    return (now - start) / calls / 1000


def call(application, template: dict) -> tuple[str, bytes]:
    """Make one request as a server does: (status line, body)."""
    statuses = []

    def start_response(status, headers, exc_info=None):
        statuses.append(status)

    environ = dict(template)
    environ["wsgi.input"] = io.BytesIO()
    answer = application(environ, start_response)
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return statuses[0], body


def environ_of(question: dict) -> dict:
    """Build the environ that a server would make of wrk's request (PEP 3333)."""
    headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in question["headers"].items()}
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": question["path"],
        "RAW_URI": question["path"],
        "QUERY_STRING": "",
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
