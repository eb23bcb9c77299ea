"""The demo site, whose answers say which process gave them. It is found by `PYTHONPATH`."""

import os

from mysite.wsgi import application as site


def application(environ, start_response):
    """Answer as the site does, with one header more."""

    def named(status, headers, *more):
        return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], *more)

    return site(environ, named)
