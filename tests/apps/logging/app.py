"""Says hello, and logs."""

import logging


def application(environ, start_response):
    logging.getLogger("site").warning("at %s", environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", "5"), ("X-Out", "of the app")])
    return [b"hello"]
