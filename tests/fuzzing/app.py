"""Looks at what it gets, and answers with what it has seen."""

import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VARIABLE = re.compile(r"HTTP_[!#$%&'*+.^_`|~0-9A-Z]+")
UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
NEVER = ("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY")


def application(environ, start_response):
    method = environ["REQUEST_METHOD"]
    body = read(environ)
    wrong = [] if body is None else list(violations(environ, body))
    if wrong:
        environ["wsgi.errors"].write(f"the fuzzer's application got {wrong} in {environ}\n")
        start_response("599 Wrong", [("Content-Length", "0")])
        return [b""]
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    host = environ.get("HTTP_HOST", "-")
    seen = f"{method} {path}{query and '?'}{query} host={host} body=".encode("latin-1")
    # Nobody may ever get this one.
    seen = b"a broken body" if body is None else seen + body
    headers = [("X-Method", method), ("Content-Type", "text/plain")]
    if len(seen) % 3 == 0:
        start_response("200 OK", headers)
        return (seen[start : start + 20] for start in range(0, len(seen), 20))
    start_response("200 OK", [*headers, ("Content-Length", str(len(seen)))])
    return [seen]


def read(environ):
    """The body, in one of several ways; None when it breaks off."""
    stream = environ["wsgi.input"]
    try:
        match len(environ["PATH_INFO"]) % 4:
            case 0:
                return stream.read()
            case 1:
                return b"".join(iter(lambda: stream.read(3), b""))
            case 2:
                return b"".join(stream)
            case _:
                return stream.readline() + stream.read(1000000)
    except OSError:
        return None


def violations(environ, body):
    length = environ.get("CONTENT_LENGTH")
    if length is not None and length != str(len(body)):
        yield f"a body of {len(body)} bytes"
    version = environ["SERVER_PROTOCOL"]
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        yield version
    if version == "HTTP/1.1" and "HTTP_HOST" not in environ:
        yield "no Host"
    if not TOKEN.fullmatch(environ["REQUEST_METHOD"]):
        yield "a method"
    if not environ["PATH_INFO"].startswith("/") and environ["REQUEST_METHOD"] != "OPTIONS":
        yield "a path"
    if re.search(r"[^!-~]", environ["QUERY_STRING"]):
        yield "a query"
    yield from (name for name in NEVER if name in environ)
    for name, value in environ.items():
        if name.startswith(("HTTP_", "CONTENT_", "REMOTE_")) and UNFIT.search(value):
            yield name
        if name.startswith("HTTP_") and not VARIABLE.fullmatch(name):
            yield name
