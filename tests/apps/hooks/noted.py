"""An application whose answers the hooks look at."""

import time


def application(environ, start_response):
    """Say hello; `/stuck` never ends, whatever is raised in it."""
    while environ["PATH_INFO"] == "/stuck":
        try:
            time.sleep(60)
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Pid", "1")])
    return [b"hello"]
