"""The loggers that applications written for Gunicorn look for, and Gunicorn's interface to them.

Records go to the server's error log: the server writes date, process and level before them.
"""

import logging

LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}


class ErrorHandler(logging.Handler):
    """Hands each record to the server.

    One with a format of the application's own goes into the log as it is.
    """

    def __init__(self, emit, write):
        super().__init__()
        self._emit = emit
        self._write = write

    def emit(self, record):
        try:
            text = self.format(record)
            if self.formatter is None:
                self._emit(record.levelno, text)
            else:
                self._write(text + "\n")
        except Exception:
            self.handleError(record)


class AccessHandler(logging.Handler):
    """Writes each record as a line of the access log."""

    def __init__(self, write):
        super().__init__()
        self._write = write

    def emit(self, record):
        try:
            self._write(self.format(record) + "\n")
        except Exception:
            self.handleError(record)


class Logger:
    """What hooks know as `server.log` and `worker.log`."""

    LOG_LEVELS = LEVELS

    def __init__(self, emit, write, access):
        self.cfg = None
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")
        self.error_handlers = [_set(self.error_log, ErrorHandler(emit, write))]
        self.access_handlers = [_set(self.access_log, AccessHandler(access))] if access else []
        self.access_log.propagate = False
        self.access_log.setLevel(logging.INFO)
        self.access_log_enabled = bool(self.access_handlers)

    @property
    def loglevel(self):
        return self.error_log.level

    def set_level(self, level):
        self.error_log.setLevel(level)

    def critical(self, message, *arguments, **options):
        self.error_log.critical(message, *arguments, **options)

    def error(self, message, *arguments, **options):
        self.error_log.error(message, *arguments, **options)

    def warning(self, message, *arguments, **options):
        self.error_log.warning(message, *arguments, **options)

    def info(self, message, *arguments, **options):
        self.error_log.info(message, *arguments, **options)

    def debug(self, message, *arguments, **options):
        self.error_log.debug(message, *arguments, **options)

    def exception(self, message, *arguments, **options):
        self.error_log.exception(message, *arguments, **options)

    def log(self, level, message, *arguments, **options):
        if isinstance(level, str):
            level = LEVELS.get(level.lower(), logging.INFO)
        self.error_log.log(level, message, *arguments, **options)

    def access(self, *arguments, **options):
        """The server writes the access log."""

    def reopen_files(self):
        """The server opens its files again when it gets USR1."""

    def close_on_exec(self):
        """The server's files are closed in other programs anyway."""


def is_access_changed():
    """Whether somebody has given `gunicorn.access` what the server's own lines would pass by."""
    logger = logging.getLogger("gunicorn.access")
    if len(logger.handlers) != 1 or logger.filters or logger.propagate:
        return True
    handler = logger.handlers[0]
    is_ours = type(handler) is AccessHandler and not handler.filters and handler.formatter is None
    return not is_ours or max(handler.level, logger.getEffectiveLevel()) > logging.INFO


def _set(logger, handler):
    # A second start in the same process, as in a mold, replaces what the first one set.
    for other in list(logger.handlers):
        if type(other).__name__ == type(handler).__name__ and type(other).__module__ == __name__:
            logger.removeHandler(other)
    logger.addHandler(handler)
    logger.propagate = False
    return handler
