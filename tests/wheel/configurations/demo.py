"""The application beside each settings file: shows what a server and its settings did to it."""

import logging
import os
import sys


def application(environ, start_response):
    """Answer `/NAME/ARGUMENT` by the function of that name."""
    name, _, argument = environ["PATH_INFO"].lstrip("/").partition("/")
    text = ANSWERS[name](environ, argument)
    body = f"{text}\n".encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def _hello(_, argument):
    return "hello"


def _environ(environ, name):
    return environ.get(name, "unset")


def _variable(_, name):
    return os.environ.get(name, "unset")


def _log(_, text):
    logging.getLogger("demo").warning("demo says %s", text)
    return "logged"


def _print(_, text):
    print("demo prints", text)
    sys.stdout.flush()
    return "printed"


def _value(_, name):
    """What a hook left in this module."""
    return globals().get(name, "unset")


def _exit(_, code):
    os._exit(int(code))


def _fail(_, text):
    raise RuntimeError(text)


ANSWERS = {
    "": _hello,
    "environ": _environ,
    "variable": _variable,
    "log": _log,
    "print": _print,
    "value": _value,
    "exit": _exit,
    "fail": _fail,
}
