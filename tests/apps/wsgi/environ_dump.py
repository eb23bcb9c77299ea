"""Shows the environ of the request as JSON: plain values as they are, others as their type."""

import json
import os

from routes import answer


def application(environ, start_response):
    """The environ, with `types` giving the type of each value `is_dict` PEP 3333's demand, and
    `pid` the worker."""
    values = {key: _plain(value) for key, value in environ.items()}
    dump = {
        "environ": values,
        "types": {key: type(value).__name__ for key, value in environ.items()},
        "is_dict": type(environ) is dict,
        "pid": os.getpid(),
    }
    environ["app.was.here"] = True  # the next request must not see it
    return answer(start_response, json.dumps(dump).encode(), "application/json")


def _plain(value):
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, (str, int, bool)) else repr(value)
