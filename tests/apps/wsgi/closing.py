"""Records which iterables the server has closed: `/closed` shows them as JSON."""

import json

from routes import Routes, answer

application = Routes()
closed = []


class Body:
    """An iterable whose close() is recorded; `error` is raised after the first chunk."""

    def __init__(self, name, chunks, error=None):
        self.name = name
        self.chunks = iter(chunks)
        self.error = error
        self.started = False

    def __iter__(self):
        return self

    def __next__(self):
        if self.started and self.error:
            raise self.error
        self.started = True
        return next(self.chunks)

    def close(self):
        """PEP 3333: called by the server on every path."""
        closed.append(self.name)
        if self.name == "close-raises":
            raise RuntimeError("close fails on purpose")


@application.add("/closed")
def show(environ, start_response):
    """The names of what was closed since the last look."""
    names, closed[:] = list(closed), []
    return answer(start_response, json.dumps(names).encode(), "application/json")


def closing(name, status="200 OK", chunks=(b"chunk",), error=None, start=True):
    """An application with an iterable that records its end as `name`."""

    def application(environ, start_response):
        if start:
            start_response(status, [("Content-Type", "text/plain")])
        return Body(name, chunks, error)

    return application


CASES = {
    "complete": {},
    "empty": {"chunks": ()},
    "no-content": {"status": "204 No Content"},
    "raises-late": {"error": RuntimeError("raised on purpose")},
    "exits-late": {"error": SystemExit(1)},
    "bad-chunk": {"chunks": ["text"]},
    "bad-status": {"status": "nonsense", "start": False},
    "close-raises": {},
    "endless": {"chunks": iter(lambda: b"x" * 65536, b"")},
}
for name, options in CASES.items():
    application.add(f"/{name}")(closing(name, **options))


class FileLike:
    """What a file_wrapper wraps: its close() is the wrapper's."""

    def __init__(self):
        self.left = [b"data", b""]

    def read(self, size=-1):
        """The one piece, then the end."""
        return self.left.pop(0)

    def close(self):
        """Recorded as `file`."""
        closed.append("file")


@application.add("/file")
def file(environ, start_response):
    """A wrapped file is closed as well."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](FileLike())
