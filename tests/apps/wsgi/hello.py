"""The smallest useful application."""


def application(environ, start_response):
    """Say hello."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
