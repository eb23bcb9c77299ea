"""What loggers, handlers and classes of the settings do: one JSON object for each record."""

import json
import logging
import os


class Shown(logging.Handler):
    """Writes each record to a file."""

    def __init__(self, path=None):
        super().__init__()
        self.path = path or os.environ["SHOWN"]

    def emit(self, record):
        arguments = record.args if isinstance(record.args, dict) else list(record.args)
        shown = {
            "name": record.name,
            "level": record.levelname,
            "message": record.getMessage(),
            "args": arguments,
        }
        with open(self.path, "a") as file:
            file.write(json.dumps(shown, default=str) + "\n")


CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"shown": {"class": "shown.Shown"}},
    "loggers": {
        "gunicorn.error": {"handlers": ["shown"], "level": "DEBUG", "propagate": False},
        "gunicorn.access": {"handlers": ["shown"], "level": "INFO", "propagate": False},
    },
    "root": {"handlers": ["shown"], "level": "INFO"},
}
