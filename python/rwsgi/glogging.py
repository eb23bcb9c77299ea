"""The class that `--logger-class` is derived from, with the methods of Gunicorn's.

    from rwsgi.glogging import Logger

    class QuietLogger(Logger):
        def access(self, resp, req, environ, request_time):
            if req.path != "/health":
                super().access(resp, req, environ, request_time)

In a worker the server makes one of it and hands it the requests that have ended.
"""

import base64
import binascii
import json
import logging
import os
import time
import traceback

LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}

_CONSOLE = {"class": "logging.StreamHandler", "formatter": "generic"}

# What a configuration stands on: its own keys replace these whole.
CONFIG_DEFAULTS = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        "gunicorn.error": {
            "level": "INFO",
            "handlers": ["error_console"],
            "propagate": True,
            "qualname": "gunicorn.error",
        },
        "gunicorn.access": {
            "level": "INFO",
            "handlers": ["console"],
            "propagate": True,
            "qualname": "gunicorn.access",
        },
    },
    "handlers": {
        "console": {**_CONSOLE, "stream": "ext://sys.stdout"},
        "error_console": {**_CONSOLE, "stream": "ext://sys.stderr"},
    },
    "formatters": {
        "generic": {
            "format": "%(asctime)s [%(process)d] [%(levelname)s] %(message)s",
            "datefmt": "[%Y-%m-%d %H:%M:%S %z]",
            "class": "logging.Formatter",
        }
    },
}


class SafeAtoms(dict):
    """What the format of the access log is filled with: a missing atom is a dash."""

    def __init__(self, atoms):
        super().__init__()
        for name, value in atoms.items():
            self[name] = value.replace('"', '\\"') if isinstance(value, str) else value

    def __getitem__(self, name):
        if name.startswith("{"):
            name = name.lower()
        return super().__getitem__(name) if name in self else "-"


class Logger:
    """Gunicorn's loggers, and methods for them."""

    LOG_LEVELS = LEVELS
    loglevel = logging.INFO
    error_fmt = CONFIG_DEFAULTS["formatters"]["generic"]["format"]
    datefmt = CONFIG_DEFAULTS["formatters"]["generic"]["datefmt"]
    access_fmt = "%(message)s"
    syslog_fmt = "[%(process)d] %(message)s"
    atoms_wrapper_class = SafeAtoms

    # Handlers that write to the server's logs, put here by the server.
    server_handlers = staticmethod(lambda: (logging.StreamHandler(), None))

    def __init__(self, cfg):
        self.error_log = logging.getLogger("gunicorn.error")
        self.error_log.propagate = False
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.propagate = False
        self.error_handlers = []
        self.access_handlers = []
        self.logfile = None
        self.cfg = cfg
        self.setup(cfg)

    def setup(self, cfg):
        """Set levels and handlers, and configure `logging` if the settings ask for it."""
        self.loglevel = LEVELS.get(str(cfg.loglevel).lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.access_log.setLevel(logging.INFO)
        error, access = self.server_handlers()
        self.error_handlers = [self._handle(self.error_log, error)]
        self.access_handlers = [self._handle(self.access_log, access)] if access else []
        if self._is_configured():
            self._configure(cfg)

    def _configure(self, cfg):
        import logging.config

        if cfg.logconfig_dict:
            logging.config.dictConfig({**CONFIG_DEFAULTS, **cfg.logconfig_dict})
        elif cfg.logconfig_json:
            with open(cfg.logconfig_json, encoding="utf-8") as file:
                logging.config.dictConfig({**CONFIG_DEFAULTS, **json.load(file)})
        elif cfg.logconfig:
            places = {"__file__": cfg.logconfig, "here": os.path.dirname(cfg.logconfig)}
            if not os.path.exists(cfg.logconfig):
                raise FileNotFoundError(f"there is no log config `{cfg.logconfig}`")
            logging.config.fileConfig(
                cfg.logconfig,
                defaults={**CONFIG_DEFAULTS, **places},
                disable_existing_loggers=False,
            )

    @property
    def access_log_enabled(self):
        """Whether requests are logged."""
        return bool(self.access_handlers or self._is_configured())

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

    def atoms(self, resp, req, environ, request_time):
        """What the format of the access log can show."""
        status = resp.status.split(None, 1)[0] if isinstance(resp.status, str) else str(resp.status)
        sent = getattr(resp, "sent", None)
        microseconds = request_time.days * 86_400_000_000
        microseconds += request_time.seconds * 1_000_000 + request_time.microseconds
        atoms = {
            "h": environ.get("REMOTE_ADDR", "-"),
            "l": "-",
            "u": _user(environ) or "-",
            "t": self.now(),
            "r": " ".join(
                str(environ.get(key)) for key in ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL")
            ),
            "s": status,
            "m": environ.get("REQUEST_METHOD"),
            "U": environ.get("PATH_INFO"),
            "q": environ.get("QUERY_STRING"),
            "H": environ.get("SERVER_PROTOCOL"),
            "b": "-" if sent is None else str(sent),
            "B": sent,
            "f": environ.get("HTTP_REFERER", "-"),
            "a": environ.get("HTTP_USER_AGENT", "-"),
            "T": microseconds // 1_000_000,
            "D": microseconds,
            "M": microseconds // 1000,
            "L": f"{microseconds / 1_000_000:.6f}",
            "p": f"<{os.getpid()}>",
        }
        headers = req.headers if hasattr(req, "headers") else req
        atoms.update({f"{{{name.lower()}}}i": value for name, value in headers})
        atoms.update({f"{{{name.lower()}}}o": value for name, value in resp.headers})
        atoms.update({f"{{{name.lower()}}}e": value for name, value in environ.items()})
        return atoms

    def access(self, resp, req, environ, request_time):
        """Log a request that has ended."""
        if not self.access_log_enabled:
            return
        atoms = self.atoms_wrapper_class(self.atoms(resp, req, environ, request_time))
        try:
            self.access_log.info(self.cfg.access_log_format, atoms)
        except Exception:
            self.error(traceback.format_exc())

    def now(self):
        """The time as the Common Log Format has it."""
        return time.strftime("[%d/%b/%Y:%H:%M:%S %z]")

    def reopen_files(self):
        """Open the files of all handlers again: they were renamed."""
        reopen_files()

    def close_on_exec(self):
        """Nothing: the files of `logging` are closed in other programs anyway."""

    def _is_configured(self):
        cfg = self.cfg
        return cfg.logconfig or cfg.logconfig_dict or cfg.logconfig_json

    def _handle(self, logger, handler):
        for other in list(logger.handlers):
            if getattr(other, "_is_the_servers", False):
                logger.removeHandler(other)
        handler._is_the_servers = True
        logger.addHandler(handler)
        return handler


def reopen_files():
    """Open the files of all handlers in this process again."""
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.FileHandler):
                handler.acquire()
                try:
                    if handler.stream:
                        handler.close()
                        handler.stream = handler._open()
                finally:
                    handler.release()


def _user(environ):
    kind, _, encoded = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded.strip()).split(b":", 1)[0].decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
