"""The smallest honest WSGI application: what it costs is what the server costs."""

BODY = b"Hello, World!\n"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def application(environ, start_response):
    """Answer every request alike."""
    start_response("200 OK", HEADERS)
    return [BODY]
