"""From the server's logs to those of `logging`: what `--logger-class`, `--log-config` ask for."""

import importlib
import json
import logging
import sys
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace

from _rwsgi_hook_objects import Config
from _rwsgi_logs import AccessHandler, ErrorHandler

STANDARD = ("simple", "gunicorn.glogging.Logger", "rwsgi.glogging.Logger")


def logger(settings, namespace, sinks):
    """An object of the class of the settings, which has configured `logging`.

    `namespace` are the names of a settings file in Python, whose objects JSON cannot hold.
    """
    emit, write, write_access = sinks
    from rwsgi import glogging

    glogging.Logger.server_handlers = staticmethod(
        lambda: (ErrorHandler(emit, write), AccessHandler(write_access) if write_access else None)
    )
    cfg = Config(json.loads(settings))
    for name in ("logconfig_dict", "logger_class"):
        if namespace and name in namespace and namespace[name] is not None:
            cfg.set(name, namespace[name])
    made = _class(cfg.logger_class, glogging)(cfg)
    made.cfg = cfg
    return made


def changed_access(settings):
    """What makes records of requests for `gunicorn.access` as it is."""
    from rwsgi import glogging

    # Without `setup`, which would take back what was changed.
    made = glogging.Logger.__new__(glogging.Logger)
    made.cfg = Config(json.loads(settings))
    made.error_log = logging.getLogger("gunicorn.error")
    made.access_log = logging.getLogger("gunicorn.access")
    made.access_handlers = made.access_log.handlers or [logging.NullHandler()]
    return made


def tell_error(logger, level, text):
    """Make a record of an event of the server."""
    logger.error_log.log(level, text)


def tell_access(logger, line):
    """Make a record of a request that has ended."""
    told = json.loads(line)
    status = int(told["s"])
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    response = SimpleNamespace(
        status=f"{status} {phrase}".strip(),
        status_code=status,
        headers=[(name, value) for name, value in told["response_headers"]],
        sent=told["B"],
        response_length=told["B"],
    )
    headers = [(name.upper(), value) for name, value in told["request_headers"]]
    environ = _environ(told, headers)
    request = SimpleNamespace(
        method=told["m"],
        uri=environ["RAW_URI"],
        path=environ["RAW_URI"].partition("?")[0],
        query=told["q"],
        fragment="",
        version=(1, 0 if told["H"] == "HTTP/1.0" else 1),
        headers=headers,
        remote_addr=environ["REMOTE_ADDR"],
        peer_addr=environ["REMOTE_ADDR"],
    )
    logger.access(response, request, environ, timedelta(microseconds=told["D"]))


def _environ(told, headers):
    environ = {
        "REQUEST_METHOD": told["m"],
        "RAW_URI": told["target"],
        "SERVER_PROTOCOL": told["H"],
        "REMOTE_ADDR": told["h"],
        "PATH_INFO": told["U"],
        "QUERY_STRING": told["q"],
    }
    for name, value in headers:
        key = "HTTP_" + name.replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ.update(told["environ"])
    return environ


def _class(named, glogging):
    if not isinstance(named, str):
        return named
    if named in STANDARD:
        return glogging.Logger
    module, _, name = named.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "gunicorn":
            hint = "import `Logger` from `rwsgi.glogging`, or keep Gunicorn installed"
            raise ModuleNotFoundError(f"`{named}` needs `{error.name}`: {hint}") from error
        raise


def publish(source):
    """Make `rwsgi.glogging` importable where the wheel is not installed."""
    import types

    try:
        importlib.import_module("rwsgi.glogging")
    except ImportError:
        module = types.ModuleType("rwsgi.glogging")
        module.__file__ = "<rwsgi/glogging.py>"
        exec(compile(source, module.__file__, "exec"), module.__dict__)  # noqa: S102
        sys.modules[module.__name__] = module
        sys.modules["rwsgi"].glogging = module
