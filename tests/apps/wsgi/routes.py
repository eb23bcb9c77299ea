"""A WSGI application made of small ones, one for each path: what the other modules are built of."""


class Routes:
    """Dispatches on PATH_INFO; an unknown path is a 404."""

    def __init__(self):
        self._applications = {}

    def __call__(self, environ, start_response):
        return self._applications.get(environ["PATH_INFO"], _not_found)(environ, start_response)

    def add(self, path):
        """Decorator: the application for `path`."""

        def register(application):
            self._applications[path] = application
            return application

        return register


def answer(start_response, body, content_type="text/plain"):
    """A complete 200 answer: what routes use that are not about the response."""
    start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def _not_found(environ, start_response):
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
    return [b""]
