"""Answers with what it has seen, as the cases of `tests/requests` write it."""

from wsgiref.validate import validator


@validator
def application(environ, start_response):
    """Method, path and query, Host, body."""
    body = b"".join(iter(lambda: environ["wsgi.input"].read(1 << 16), b""))
    query = environ["QUERY_STRING"] and "?" + environ["QUERY_STRING"]
    host = environ.get("HTTP_HOST", "-")
    seen = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{query} host={host} body="
    answer = seen.encode("latin-1") + body
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))]
    start_response("200 OK", headers)
    return [answer]
