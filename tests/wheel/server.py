"""Starts the real server as a process of its own and ends it with everything it started."""

import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import client
from log import PATIENCE, Log
from processes import Watch, alive_in_session, kill_all

APPS = Path(__file__).resolve().parent.parent / "apps"
WSGI_APPS = APPS / "wsgi"

# How long a process may take to be gone that has closed its files, which the end of the log shows.
MOMENT = 2

READY = r"Worker ready \(pid: (\d+)\)"


@dataclass(frozen=True)
class Host:
    """One way to start rwsgi: its name in test ids and the start of its command line."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict, hash=False)

    def start(self, *arguments, bind="127.0.0.1:0", workers=1, **options):
        """A server that binds `bind` and runs `workers`; `arguments` as on the command line."""
        command = [*self.command, *arguments, "--workers", str(workers)]
        if bind:
            command += ["--bind", bind]
        return Server(command, workers, self._options(options))

    def start_plain(self, *arguments, **options):
        """A server with nothing but these arguments."""
        return Server([*self.command, *arguments], 1, self._options(options))

    def run(self, *arguments, **options):
        """Run to the end: for command lines that end by themselves."""
        with self.start_plain(*arguments, **options) as server:
            code = server.wait()
            output, errors = server.out.end(), server.log.end()
        return subprocess.CompletedProcess(server.process.args, code, output, errors)

    def _options(self, options):
        base = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        base |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        environment = base | self.environment | options.pop("env", {})
        return {"cwd": WSGI_APPS, **options, "env": environment}


def hosts():
    """The hosts that are installed: the wheel beside this python, the native binary of
    RWSGI_NATIVE."""
    found = []
    script = Path(sys.executable).parent / "rwsgi"
    if script.exists():
        found.append(Host("wheel", (str(script),)))
    if native := os.environ.get("RWSGI_NATIVE"):
        found.append(Host("native", (native,), {"VIRTUAL_ENV": sys.prefix}))
    return found


def module_host():
    """The wheel started as `python -m rwsgi`."""
    return Host("module", (sys.executable, "-m", "rwsgi"))


def closed_to_others():
    """What a worker needs to enter, and cannot when it is somebody else."""
    needed = [Path(sys.prefix), Path(sys.base_prefix), WSGI_APPS]
    return [str(path) for path in needed if not _is_open(path)]


class Server:
    """A running server. Use it in `with`: leaving stops it and asserts that nothing stayed behind.

    `log` holds its standard error, `out` its standard output; `options` are those of Popen.
    """

    def __init__(self, command, workers, options):
        self.workers = workers
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,  # also its process group: the workers stay in it
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        self.pid = self.process.pid
        # A test that gave streams of its own finds these logs empty.
        self.log = Log(self.process.stderr or io.StringIO())
        self.out = Log(self.process.stdout or io.StringIO())

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.stop()
        finally:
            with Watch(alive_in_session(self.pid)) as watch:
                left = watch.wait(MOMENT if kind is None else 0)
            kill_all([self.pid, *left])
            self.process.wait()
            self.log.end()
            self.out.end()
        if kind is None:
            assert not left, f"processes {left} stayed behind; the log:\n{self.log.text}"
        else:
            print(self.log.text, file=sys.stderr)

    def ready(self):
        """Wait until every worker can serve; gives the server itself."""
        self.log.wait(READY, count=self.workers)
        return self

    @property
    def address(self):
        """Where it listens: `(host, port)`, or the path of a Unix socket."""
        return self.addresses()[0]

    def addresses(self):
        """All addresses of its `Listening at` line."""
        (match,) = self.log.wait(r"Listening at: (.*) \(\d+\)")
        return [_address(text) for text in re.split(r", ?", match[1])]

    def worker_pids(self):
        """Ids of the workers that have become ready since the start, oldest first."""
        return [int(match[1]) for match in re.finditer(READY, self.log.text)]

    def signal(self, number):
        """Send a signal to the master."""
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE):
        """Wait for the master's end; gives its exit code."""
        code = self.process.wait(patience)
        self.log.end()
        return code

    def stop(self):
        """Stop quickly, as a terminal would, unless it has ended already."""
        if self.process.poll() is not None:
            return
        # Taken first: a worker that outlives its master for a moment is no orphan.
        with Watch(alive_in_session(self.pid)) as watch:
            self.signal(signal.SIGINT)
            watch.wait(10)

    def get(self, target="/", **options):
        """One GET on a connection of its own."""
        return self.request("GET", target, **options)

    def request(self, method, target, **options):
        """One request on a connection of its own."""
        return client.request(self.address, method, target, **options)

    def connect(self, secured=None):
        """A connection for raw bytes."""
        return client.Connection(self.address, secured)


def _address(text):
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = re.sub("^https?://", "", text).rpartition(":")
    return host.strip("[]"), int(port)


def _is_open(path):
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])
