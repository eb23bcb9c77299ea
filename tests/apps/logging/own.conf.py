"""A class of the file's own, as many have it to keep health checks out of the access log."""

import logging.config

import shown
from rwsgi.glogging import Logger


class QuietLogger(Logger):
    """Says nothing of health checks, and more of the others."""

    def setup(self, cfg):
        super().setup(cfg)
        logging.config.dictConfig(shown.CONFIG)

    def access(self, resp, req, environ, request_time):
        if req.path != "/health":
            super().access(resp, req, environ, request_time)

    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        atoms["x"] = environ.get("HTTP_X_TENANT", "nobody")
        return atoms


logger_class = QuietLogger
accesslog = "-"
access_log_format = "%(x)s %(m)s %(U)s %(s)s"
