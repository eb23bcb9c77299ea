"""Where every thread was when the worker was given up: the recipe of Gunicorn's example."""

import sys
import traceback

timeout = 1


def worker_abort(worker):
    lines = []
    for thread, frame in sys._current_frames().items():
        lines.append(f"thread {thread}")
        lines += [line.rstrip() for line in traceback.format_stack(frame)]
    worker.log.error("given up: %s\n%s", worker.aborted, "\n".join(lines))


def worker_exit(server, worker):
    worker.log.info("left by the hook")
