"""Executes a settings file in Python, as Gunicorn does, and describes what it defines."""

import ast
import contextlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import os
import sys
import traceback
import types

NAME = "__config__"
# Deeper than anybody nests settings; a list that holds itself must end somewhere.
DEPTH = 20
# Bits of a whole number.
LARGEST = 128
SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class FileError(Exception):
    """Carries what the user is told: path, line or None, message, traceback or None."""


def execute(path):
    """The module that the file makes.

    Always from its source: a cached one may be of the same second and size.
    """
    path = os.path.abspath(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        raise FileError(path, None, error.strerror or str(error), None) from None
    module = types.ModuleType(NAME)
    module.__file__ = path
    # Where `pickle`, `dataclasses` and `typing` look for the names of what it defines.
    sys.modules[NAME] = module
    try:
        if path.endswith(".pyc"):
            code = importlib.machinery.SourcelessFileLoader(NAME, path).get_code(NAME)
        else:
            code = compile(source, path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102
    except BaseException as error:
        raise _failure(error, path) from None
    return module, source


def load(name):
    """The module of this name, imported."""
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        raise _failure(error, _origin(name)) from None
    source = b""
    path = getattr(module, "__file__", None) or ""
    if path.endswith(".py"):
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError:
            pass
    return module, source


def _origin(name):
    try:
        return importlib.util.find_spec(name).origin or f"python:{name}"
    except Exception:
        return f"python:{name}"


def _failure(error, path):
    if isinstance(error, SyntaxError) and error.filename:
        line = (error.text or "").strip()
        message = f"{error.msg}: `{line}`" if line else str(error.msg)
        return FileError(error.filename, error.lineno, message, None)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    words = "".join(traceback.format_exception_only(type(error), error)).strip()
    text = "".join(traceback.format_exception(type(error), error, _below(error.__traceback__)))
    return FileError(path, lines[-1] if lines else None, words, text.rstrip())


def _below(trace):
    """Without the frames of this file and of the import system, which tell the user nothing."""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name != __file__ and not name.startswith("<frozen importlib"):
            return trace
        if name == __file__ and trace.tb_next is None:
            return None
        if trace.tb_next is None:
            return trace
        trace = trace.tb_next
    return None


def describe(module, source):
    """The names that the module defines and their values, as JSON."""
    lines = _lines(source)
    values = [
        {"name": name, "line": lines.get(name), "value": _value(value, 0)}
        for name, value in list(vars(module).items())
        if isinstance(name, str) and not (name.startswith("__") and name.endswith("__"))
    ]
    path = getattr(module, "__file__", None) or module.__name__
    return json.dumps({"path": _text(path), "values": values}, allow_nan=False)


def _lines(source):
    """Where each name of the module was given its value last."""
    # Of a file that was compiled before there are none: lines are a comfort.
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        return dict(_defined(ast.parse(source)))
    return {}


def _defined(node):
    """Names and lines. What lies in functions and classes has names of its own."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child.name, child.lineno
        elif isinstance(child, (ast.Import, ast.ImportFrom)):
            for alias in child.names:
                yield alias.asname or alias.name.partition(".")[0], child.lineno
        elif not isinstance(child, SCOPES):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield child.id, child.lineno
            yield from _defined(child)


def _value(value, depth):
    try:
        return _described(value, depth)
    except Exception:
        # Proxies such as Django's `settings` and Flask's `current_app` raise wherever they
        # are looked at too early.
        return _other(value)


def _other(value):
    return {"other": _text(type(value).__qualname__)}


def _described(value, depth):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # Beyond what any setting takes, and what JSON is read with.
        return int(value) if value.bit_length() < LARGEST else _other(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else {"other": "float"}
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": bytes(value).decode("latin-1")}
    if isinstance(value, types.ModuleType):
        return {"module": _text(value.__name__)}
    if isinstance(value, type):
        return {"class": _text(f"{value.__module__}.{value.__qualname__}")}
    if isinstance(value, (list, tuple, set, frozenset, dict)) and depth < DEPTH:
        return _collection(value, depth + 1)
    if callable(value):
        name = getattr(value, "__qualname__", None) or type(value).__qualname__
        return {"function": {"name": _text(f"{name}()"), "parameters": parameters(value)}}
    return _other(value)


def _collection(value, depth):
    if isinstance(value, dict):
        return {"map": [[_value(name, depth), _value(one, depth)] for name, one in value.items()]}
    # The order of a set changes from one start to the next.
    items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
    return [_value(one, depth) for one in items]


def _text(text):
    # What is no text, as in a file name that is not UTF-8, has no place in JSON. An
    # enumeration's own `str` is its name.
    text = text if isinstance(text, str) else str(text)
    return str.encode(text, "utf-8", "replace").decode("utf-8")


def parameters(function):
    """How many positional arguments it takes; None for any number, and when it cannot be told."""
    kinds = inspect.Parameter
    try:
        found = [one.kind for one in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return None
    if kinds.VAR_POSITIONAL in found:
        return None
    return sum(kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) for kind in found)
