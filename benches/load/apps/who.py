"""Answers that say which process gave them: at once, after a sleep, or after so much computing.

`/`, `/sleep?20` and `/busy?2`, in milliseconds.
"""

import os
import time

BODY = b"Hello, World!\n"


def application(environ, start_response):
    """Spend the time asked for, and answer."""
    spend(environ["PATH_INFO"], float(environ.get("QUERY_STRING") or 0) / 1000)
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
    start_response("200 OK", [*headers, ("X-Worker", str(os.getpid()))])
    return [BODY]


def spend(path, seconds):
    """Sleep, or use the processor: by the thread's clock, which waiting for it does not move."""
    if path == "/sleep":
        time.sleep(seconds)
    elif path == "/busy":
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass
