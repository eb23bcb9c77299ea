"""What the soak asks for: every way in which an application answers, with the demo site behind it.

Runs in the demo site's folder. Addresses: the functions of `PAGES`; all others are the site's.
"""

import tempfile
import time
from urllib.parse import parse_qs
from wsgiref.util import FileWrapper

from mysite.wsgi import application as site

BLOCK = bytes(range(256)) * 256
"""64 KiB, of which every larger answer is made."""
LARGE = BLOCK * 64
FILE_BLOCKS = 32
TEXT = [("Content-Type", "text/plain")]
BINARY = [("Content-Type", "application/octet-stream")]


class PlannedError(Exception):
    """Raised where the soak wants an application to fail; it looks for the name in the log."""


def make_file():
    """Lay the file that is downloaded; it has no name and ends with the process."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is there as long as the process
    for _ in range(FILE_BLOCKS):
        file.write(BLOCK)
    file.flush()
    return file


FILE = make_file()


def application(environ, start_response):
    """Answer by address."""
    page = PAGES.get(environ["PATH_INFO"], site)
    return page(environ, start_response)


def number(environ, name, default):
    """Read a number of the query."""
    return int(parse_qs(environ["QUERY_STRING"]).get(name, [default])[0])


def hello(_environ, start_response):
    """Answer shortly, with a length."""
    start_response("200 OK", [*TEXT, ("Content-Length", "6")])
    return [b"hello\n"]


def echo(environ, start_response):
    """Send the body back."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [*BINARY, ("Content-Length", str(len(body)))])
    return [body]


def ignore(_environ, start_response):
    """Answer without looking at the body."""
    start_response("200 OK", [*TEXT, ("Content-Length", "8")])
    return [b"ignored\n"]


def large(_environ, start_response):
    """Answer with 4 MiB in one piece."""
    start_response("200 OK", [*BINARY, ("Content-Length", str(len(LARGE)))])
    return [LARGE]


def stream(environ, start_response):
    """Send so many blocks without a length: `?blocks=8`, `?pause=1` to wait 5 ms before each."""
    start_response("200 OK", BINARY)
    pause = number(environ, "pause", 0)
    for _ in range(number(environ, "blocks", 8)):
        if pause:
            time.sleep(0.005)
        yield BLOCK


def file(environ, start_response):
    """Send a real file through the server's wrapper."""
    # Opened anew by its descriptor, so that each request has an offset of its own.
    path = f"/proc/self/fd/{FILE.fileno()}"
    opened = open(path, "rb")  # noqa: SIM115 - whoever sends it closes it (PEP 3333)
    length = str(FILE_BLOCKS * len(BLOCK))
    start_response("200 OK", [*BINARY, ("Content-Length", length)])
    return environ.get("wsgi.file_wrapper", FileWrapper)(opened)


def wait(environ, start_response):
    """Answer late: `?ms=50`."""
    time.sleep(number(environ, "ms", 50) / 1000)
    return hello(environ, start_response)


def fail(_environ, _start_response):
    """Raise before there is an answer."""
    raise PlannedError


def fail_late(_environ, start_response):
    """Raise in the middle of an answer."""
    start_response("200 OK", BINARY)
    yield BLOCK
    raise PlannedError


PAGES = {
    "/hello": hello,
    "/echo": echo,
    "/ignore": ignore,
    "/large": large,
    "/blocks": stream,
    "/file": file,
    "/wait": wait,
    "/fail": fail,
    "/fail-late": fail_late,
}
