"""Finds the hooks of a settings file and calls them."""

import faulthandler
import importlib
import json
import os
import signal
import traceback

import _rwsgi_hook_objects as objects
import _rwsgi_settings_file as settings_file

# How many arguments each takes.
HOOKS = {
    "on_starting": (1,),
    "on_reload": (1,),
    "when_ready": (1,),
    "nworkers_changed": (3,),
    "pre_fork": (2,),
    "post_fork": (2,),
    "post_worker_init": (1,),
    "worker_int": (1,),
    "worker_abort": (1,),
    "pre_request": (2,),
    "post_request": (2, 3, 4),
    "child_exit": (2,),
    "worker_exit": (2,),
    "pre_exec": (1,),
    "on_exit": (1,),
}


class HookError(Exception):
    """Carries what the user is told: a sentence, traceback or None."""


class Hooks:
    """The hooks, and the objects that they are called with."""

    def __init__(self, namespace, facts, log, emit):
        pid, uri, text = facts
        self._emit = emit
        values = {name: _read(name, value, namespace) for name, value in json.loads(text).items()}
        self.functions = {name: _function(name, namespace, values) for name in HOOKS}
        if values.get("default_proc_name") in (None, "", "gunicorn"):
            values["default_proc_name"] = uri
        values.update({name: function or _nothing for name, function in self.functions.items()})
        cfg = objects.Config(values)
        # Gunicorn's are neither None nor names.
        settled = {"chdir": os.getcwd(), "umask": cfg._of("umask", 0)}
        settled.update(user=cfg.uid, group=cfg.gid)
        for name, value in settled.items():
            cfg.settings[name] = objects.Setting(name, value)
        log.cfg = cfg
        self.server = objects.Server(pid, cfg, log, objects.App(uri, cfg))
        self.worker = None

    def has(self, name):
        return self.functions[name] is not None

    def post_request_takes(self):
        return settings_file.parameters(self.functions["post_request"]) or 4

    def call(self, name, *arguments):
        """Whether the hook ended without an exception, which is told in the log."""
        function = self.functions[name]
        if function is None:
            return True
        pid = os.getpid()
        code = 0
        try:
            function(*arguments)
        except BaseException as error:
            code = 1
            if os.getpid() == pid:
                # The first frame is this one.
                self.report(name, error, error.__traceback__.tb_next)
            elif isinstance(error, SystemExit):
                code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        finally:
            if os.getpid() != pid:
                # A child that the hook has forked must not go on as the server.
                os._exit(code)
        return code == 0

    def report(self, name, error, trace):
        lines = traceback.format_exception(type(error), error, trace)
        self._emit(40, f"Exception in the hook `{name}`\n{''.join(lines).rstrip()}")

    def _worker(self, age):
        """The one that `pre_fork` has seen, or one that another process has forked."""
        if self.worker is not None and self.worker.age == age:
            return self.worker
        return objects.Worker(age, self.server)

    # In the process that runs the hooks of the server.

    def on_server(self, name):
        return self.call(name, self.server)

    def nworkers_changed(self, new, old):
        self.server.num_workers = new
        return self.call("nworkers_changed", self.server, new, old)

    def pre_fork(self, age):
        self.server.worker_age = max(self.server.worker_age, age)
        self.worker = objects.Worker(age, self.server)
        return self.call("pre_fork", self.server, self.worker)

    def forked(self, age, pid):
        worker = (
            self.worker
            if self.worker and self.worker.age == age
            else objects.Worker(age, self.server)
        )
        worker.pid = pid
        self.server.WORKERS[pid] = worker
        self.worker = None

    def child_exit(self, age, pid):
        worker = self.server.WORKERS.pop(pid, None)
        if worker is None:
            worker = objects.Worker(age, self.server)
            worker.pid = pid
        return self.call("child_exit", self.server, worker)

    # In a worker.

    def post_fork(self, age):
        self.worker = self._worker(age)
        self.worker.pid = os.getpid()
        return self.call("post_fork", self.server, self.worker)

    def post_worker_init(self, application, requests, leave):
        worker = self.worker
        worker.wsgi = worker.app.callable = application
        worker._requests = requests
        worker._leave = leave
        fine = self.call("post_worker_init", worker)
        worker.booted = fine
        return fine

    def worker_int(self):
        self.worker._alive = False
        return self.call("worker_int", self.worker)

    def worker_abort(self):
        self.worker._alive = False
        self.worker.aborted = True
        return self.call("worker_abort", self.worker)

    def catch_abort(self, log):
        def abort(number, frame):
            self.worker_abort()
            self.call("worker_exit", self.server, self.worker)
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

        # A handler that is there before faulthandler's is called by it; one that comes later
        # takes its place.
        faulthandler.disable()
        signal.signal(signal.SIGABRT, abort)
        if log is not None:
            faulthandler.enable(log)

    def worker_exit(self):
        self.worker._alive = False
        return self.call("worker_exit", self.server, self.worker)


def _nothing(*arguments):
    """A hook that nobody defined."""


def _read(name, value, namespace):
    """A setting's value: what JSON cannot carry is the file's own object."""
    if isinstance(value, list):
        return [_read(None, one, namespace) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"map"}:
        return {
            _read(None, key, namespace): _read(None, one, namespace) for key, one in value["map"]
        }
    return namespace.get(name)


def _function(name, namespace, values):
    found = namespace.get(name, values.get(name))
    if found is None:
        return None
    if isinstance(found, str):
        found = _imported(name, found.strip())
    if not callable(found):
        raise HookError(f"`{name}` is no function: `{found!r}`", None)
    count = settings_file.parameters(found)
    # One that takes any number is fine.
    if count is not None and count not in HOOKS[name]:
        wanted = " or ".join(map(str, HOOKS[name]))
        told = f"`{name}` must take {wanted} positional arguments, but takes {count}"
        raise HookError(told, None)
    return found


def _imported(name, path):
    module, _, attribute = path.rpartition(".")
    if not module:
        raise HookError(
            f"`{name}` must be a function or `package.module.function`, not `{path}`", None
        )
    try:
        return getattr(importlib.import_module(module), attribute)
    except BaseException as error:
        words = "".join(traceback.format_exception_only(type(error), error)).strip()
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        raise HookError(
            f"cannot import `{path}` for `{name}`: {words}", "".join(lines).rstrip()
        ) from None
