import os
import socket


def max_workers():
    return 2 * len(os.sched_getaffinity(0)) + 1


def from_environment():
    """GUNICORN_TIMEOUT=90 sets timeout, and so on."""
    for key, text in os.environ.items():
        prefix, _, name = key.partition("_")
        if prefix == "GUNICORN" and name != "CMD_ARGS":
            yield name.lower(), int(text) if text.isdigit() else text


workers = max_workers()
proc_name = f"shop-{socket.gethostname()}"[:64]

for name, value in from_environment():
    locals()[name] = value
