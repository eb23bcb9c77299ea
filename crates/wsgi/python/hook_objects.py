"""What Gunicorn's hooks are called with."""

import grp
import os
import pwd
import time

# What an application says of the connection is not sent.
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "server",
    "date",
}


class Setting:
    """A setting as `cfg.settings` shows it."""

    def __init__(self, name, value):
        self.name = name
        self.value = value

    def get(self):
        return self.value

    def set(self, value):
        self.value = value


class Config:
    """The settings: an attribute for each, under Gunicorn's names.

    To change one has no effect on the server.
    """

    def __init__(self, values):
        self.__dict__["settings"] = {name: Setting(name, value) for name, value in values.items()}

    def __getattr__(self, name):
        setting = self.__dict__.get("settings", {}).get(name)
        if setting is None:
            raise AttributeError(f"no configuration setting for: {name}")
        return setting.get()

    def __setattr__(self, name, value):
        self.set(name, value)

    def __str__(self):
        return "\n".join(f"{name:<34} = {one.value}" for name, one in sorted(self.settings.items()))

    def set(self, name, value):
        if name not in self.settings:
            raise AttributeError(f"no configuration setting for: {name}")
        self.settings[name].set(value)

    def _of(self, name, default=None):
        setting = self.settings.get(name)
        return default if setting is None or setting.value is None else setting.value

    @property
    def address(self):
        return [_address(one) for one in _list(self._of("bind"))]

    @property
    def env(self):
        return dict(one.split("=", 1) for one in _list(self._of("raw_env")) if "=" in one)

    @property
    def is_ssl(self):
        return bool(self._of("certfile") or self._of("keyfile"))

    @property
    def proc_name(self):
        return self._of("proc_name") or self._of("default_proc_name")

    @property
    def uid(self):
        user = self._of("user", os.geteuid())
        return pwd.getpwnam(user).pw_uid if isinstance(user, str) else user

    @property
    def gid(self):
        group = self._of("group", os.getegid())
        return grp.getgrnam(group).gr_gid if isinstance(group, str) else group

    @property
    def worker_class_str(self):
        return str(self._of("worker_class", "sync"))


def _list(value):
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _address(bind):
    if bind.startswith("unix:"):
        return bind.removeprefix("unix:").removeprefix("//")
    if bind.startswith("fd://"):
        return int(bind.removeprefix("fd://"))
    host, _, port = bind.removeprefix("tcp://").rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdigit() else bind


class App:
    """The application before and after it is loaded."""

    def __init__(self, uri, cfg):
        self.app_uri = uri
        self.cfg = cfg
        self.callable = None

    def wsgi(self):
        return self.callable


class Server:
    """What Gunicorn calls the arbiter."""

    master_name = "Master"
    systemd = False
    reexec_pid = 0

    def __init__(self, pid, cfg, log, app):
        self.pid = pid
        self.cfg = cfg
        self.log = log
        self.app = app
        self.address = cfg.address
        self.proc_name = cfg.proc_name or app.app_uri
        self.timeout = cfg.settings["timeout"].value if "timeout" in cfg.settings else 30
        self.num_workers = cfg.settings["workers"].value if "workers" in cfg.settings else 1
        self.master_pid = 0
        self.worker_age = 0
        self.WORKERS = {}
        self.LISTENERS = []


class Pulse:
    """Gunicorn's heartbeat file, which this server does without."""

    def last_update(self):
        return time.monotonic()

    def notify(self):
        pass

    def fileno(self):
        return -1

    def close(self):
        pass


class Worker:
    """A worker process."""

    reloader = None

    def __init__(self, age, server):
        self.age = age
        self.pid = "[booting]"
        self.ppid = server.pid
        self.app = server.app
        self.cfg = server.cfg
        self.log = server.log
        self.timeout = server.timeout
        self.sockets = []
        self.booted = False
        self.aborted = False
        self.tmp = Pulse()
        self.wsgi = None
        self._alive = True
        self._requests = None
        self._leave = None

    def __str__(self):
        return f"<Worker {self.pid}>"

    @property
    def nr(self):
        return self._requests() if self._requests else 0

    @property
    def alive(self):
        return self._alive

    @alive.setter
    def alive(self, value):
        # How applications written for Gunicorn have a worker replaced after its request.
        if self._alive and not value and self._leave:
            self._leave()
        self._alive = bool(value)

    def notify(self):
        self.tmp.notify()


class Request:
    """A request as the hooks before and after it see it."""

    def __init__(self, line, headers, peer):
        self.method, self.uri, self.path, self.query, self.version, self.scheme = line
        self.fragment = ""
        self.headers = headers
        self.trailers = []
        self.body = None
        self.peer_addr = self.remote_addr = peer
        self.proxy_protocol_info = None


class Response:
    """What was answered."""

    def __init__(self, request):
        self.req = request
        self.status = None
        self.headers = []
        self.headers_sent = False
        self.sent = 0
        self.response_length = None
        self.chunked = False

    def noting(self, start_response):
        """A `start_response` that notes what the application says."""

        def start(status, headers, exc_info=None):
            write = start_response(status, headers, exc_info)
            self.status = status
            pairs = [(name, value.strip()) for name, value in headers]
            self.headers = [pair for pair in pairs if pair[0].lower() not in HOP_BY_HOP]
            lengths = [value for name, value in pairs if name.lower() == "content-length"]
            self.response_length = int(lengths[0]) if lengths else None
            return write

        return start

    @property
    def status_code(self):
        digits = (self.status or "").partition(" ")[0]
        return int(digits) if digits.isdigit() else self.status
