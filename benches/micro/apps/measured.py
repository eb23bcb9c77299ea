"""The applications that are measured: as little of their own as can be."""

BROWSER = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("X-Frame-Options", "DENY"),
    ("Vary", "Cookie"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private"),
    ("ETag", '"5f1d7a84db00d2fce00b31a7fc73224f"'),
    ("Content-Language", "en"),
    ("Set-Cookie", "csrftoken=Wy3nB1d4a0FJk7mVQxk5pVvTjz2Xq8sR; Path=/; SameSite=Lax"),
    ("Set-Cookie", "sessionid=9n3o7a1v5x2c8k4m6p0q; HttpOnly; Path=/; SameSite=Lax"),
    ("Last-Modified", "Mon, 02 Nov 2026 08:30:00 GMT"),
]
CHUNKS = [b"x" * 1024] * 16


def silent(environ, start_response):
    """Answer with nothing, so that the environ is what is left."""
    start_response("204 No Content", [])
    return ()


def hello(environ, start_response):
    """Answer as everybody's first application does."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"Hello world\n"]


def page(environ, start_response):
    """Answer with the headers of a usual site."""
    start_response("200 OK", list(BROWSER))
    return [b"Hello world\n"]


def chunks(environ, start_response):
    """Answer with a body that is streamed."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(CHUNKS)
