"""Send the request body back: what a server keeps of a large body shows in its memory."""


def application(environ, start_response):
    """Read the whole body and answer with it."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
