"""A site as somebody hosts it at home: SQLite in the state directory, nothing else to write to."""

import contextlib
import os
import pathlib
import sqlite3
import tempfile

STATE = pathlib.Path(os.environ["STATE_DIRECTORY"])
CODE = pathlib.Path(__file__).parent

PLACES = {
    "state": STATE,
    "code": CODE,
    "tmp": tempfile.gettempdir(),
    "usr": "/usr",
    "etc": "/etc",
    "var": "/var/lib",
}

# What a reload brings anew.
VERSION = "1"


def wait():
    """Waits until the test opens the gate in the state directory: each opening lets one through."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(STATE / "gate")
    # In both directions: there is always a writer, so that no end of file lets all pass.
    gate = os.open(STATE / "gate", os.O_RDWR)
    try:
        print("waiting at the gate", flush=True)
        os.read(gate, 1)
    finally:
        os.close(gate)


def count_visit():
    with sqlite3.connect(STATE / "db.sqlite3", timeout=30) as database:
        database.execute("CREATE TABLE IF NOT EXISTS visits (path TEXT)")
        database.execute("INSERT INTO visits VALUES ('/')")
        return database.execute("SELECT count(*) FROM visits").fetchone()[0]


def can_write(directory):
    try:
        with tempfile.NamedTemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def page(environ):
    match environ["PATH_INFO"].split("/", 2)[1:]:
        case ["visit"]:
            return count_visit()
        case ["version"]:
            return VERSION
        case ["wait"]:
            return wait()
        case ["process"]:
            return os.getpid()
        case ["user"]:
            return f"{os.getuid()} {os.getgroups()}"
        case ["writable"]:
            return " ".join(place for place in PLACES if can_write(PLACES[place]))
        case ["variable", name]:
            return os.environ.get(name)
        case ["read", path]:
            return pathlib.Path("/", path).read_text()
        case _:
            return "hello"


def application(environ, start_response):
    try:
        body = str(page(environ)).encode()
    except OSError as error:
        body = type(error).__name__.encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


if "WAIT_AT_IMPORT" in os.environ:
    wait()
