"""A PostgreSQL server of our own: its files in a folder of their own, on the loopback address."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from session import BenchError, free_port, stop

START_SECONDS = 30
DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"
READY = "database system is ready to accept connections"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "autovacuum": "off",
    "logging_collector": "off",
    "lc_messages": "C",
}


class Cluster:
    """One server, for all scenes that need it: started for the first, ended after the last."""

    def __init__(self) -> None:
        self.users = 0
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.folder: tempfile.TemporaryDirectory | None = None

    def start(self) -> None:
        """Start it, if nobody has yet. Raises `BenchError` when that does not work here."""
        self.users += 1
        if self.process is not None:
            return
        programs = find_programs()
        # The server refuses to be root, and its user can look into few folders of others.
        self.folder = tempfile.TemporaryDirectory(prefix="bench-postgres-")
        data = Path(self.folder.name) / "data"
        as_user = become(Path(self.folder.name))
        auth = ["--auth=trust", f"--username={USER}", "--no-sync"]
        made = subprocess.run(
            [*as_user, programs / "initdb", "--pgdata", data, *auth, "--encoding=UTF8"],
            cwd=self.folder.name,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if made.returncode != 0:
            raise BenchError(f"`initdb` fails: {made.stderr.strip()[-300:]}")
        self.port = free_port()
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        log = Path(self.folder.name) / "log"
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [*as_user, programs / "postgres", "-D", data, f"--port={self.port}", *settings],
                cwd=self.folder.name,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        self.wait_until_ready(log)

    def wait_until_ready(self, log: Path) -> None:
        """Look into its log until it says so."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if READY in log.read_text(errors="replace"):
                return
            time.sleep(0.05)
        raise BenchError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-300:]}")

    def finish(self) -> None:
        """End it when nobody needs it any more, and remove its files."""
        self.users -= 1
        if self.users > 0:
            return
        if self.process is not None:
            stop(self.process)
        if self.folder is not None:
            self.folder.cleanup()
        self.process = self.folder = None


def find_programs() -> Path:
    """Return the folder of `initdb` and `postgres`, which Debian has out of the PATH."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found or on_path:
        return (found[-1] if found else Path(on_path)).parent
    raise BenchError("there is no PostgreSQL: sudo apt-get install postgresql")


def become(folder: Path) -> list[str]:
    """Return the command in front of a command that runs it as PostgreSQL's user, if needed."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        raise BenchError(f"root cannot run PostgreSQL, and there is no user `{USER}`") from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


CLUSTER = Cluster()
