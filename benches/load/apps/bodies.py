"""Bodies up and down: what a server does with them is nearly all that these requests cost."""

import os
import time
from urllib.parse import parse_qs

BLOCK = 1 << 16
PAGE = bytes(range(256)) * 4096
CHUNK = bytes(range(256)) * 4
CHUNKS = 1000


def application(environ, start_response):
    """Answer by path."""
    return PAGES[environ["PATH_INFO"]](environ, start_response)


def form(environ, start_response):
    """Say how many fields a form has."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return plain(start_response, str(len(parse_qs(body))).encode())


def upload(environ, start_response):
    """Say how many bytes came, read in blocks as frameworks do."""
    length = environ.get("CONTENT_LENGTH")
    left = int(length) if length else None
    count = 0
    while left is None or count < left:
        block = environ["wsgi.input"].read(BLOCK if left is None else min(BLOCK, left - count))
        if not block:
            break
        count += len(block)
    return plain(start_response, str(count).encode())


def page(environ, start_response):
    """Send 1 MiB that is there."""
    return plain(start_response, PAGE)


def file(environ, start_response):
    """Send 10 MiB from the disk, in the way that the server offers."""
    path = os.environ["BENCH_FILE"]
    size = str(os.path.getsize(path))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", size)])
    opened = open(path, "rb")  # noqa: SIM115 - closed by the server
    wrapper = environ.get("wsgi.file_wrapper")
    # PEP 3333 leaves it to the server to have one; frameworks read in blocks where it has none.
    return wrapper(opened, BLOCK) if wrapper else Blocks(opened)


class Blocks:
    """A file, block by block, closed at the end as PEP 3333 has it."""

    def __init__(self, opened):
        self.opened = opened
        self.close = opened.close

    def __iter__(self):
        return iter(lambda: self.opened.read(BLOCK), b"")


def chunks(environ, start_response):
    """Make the body piece by piece, of a length that nobody knows before."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (CHUNK for _ in range(CHUNKS))


def sleep(environ, start_response):
    """Wait for something else than the processor."""
    time.sleep(0.02)
    return plain(start_response, b"slept")


def plain(start_response, body):
    """Answer with a body that is there."""
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


PAGES = {
    "/form": form,
    "/upload": upload,
    "/page": page,
    "/file": file,
    "/chunks": chunks,
    "/sleep": sleep,
}
