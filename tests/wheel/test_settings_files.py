"""Settings files as projects have them, each started under Gunicorn and under rwsgi.

A folder of `configurations` holds `gunicorn.conf.py`, what it needs beside it, and `expected.toml`:

    about = "what it is an example of"
    command = ["demo"]       # the words behind the program's name
    boots = 2                # workers that are booted, unless it is `workers` of Gunicorn's listing
    quiet = true             # the log does not tell of workers
    needs = ["a module"]     # that the tests' environment has to have
    folders = ["logs"]       # to be made before the start
    log = ['a line that the standard streams must hold']
    silent = ['one that they must not']
    environment, settings    # variables; values of the listing
    [[requests]]             # in order: target, headers, status, body, what the log says then
    [files]                  # in the folder at the end, with the text that they hold
    [rwsgi]                  # what is expected of rwsgi instead, where it differs on purpose
"""

import ast
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import client
import pytest
from log import PATIENCE
from processes import alive_in_session
from server import Host, hosts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIGURATIONS = Path(__file__).resolve().parent / "configurations"
NAMES = sorted(path.parent.name for path in CONFIGURATIONS.glob("*/expected.toml"))
GUNICORN = Host("gunicorn", (sys.executable, "-m", "gunicorn"))
BOOTING = r"Booting worker with pid"

SHOWN_OTHERWISE = {"user", "group", "sendfile", "logconfig_dict", "logger_class", "statsd_host"}
"""For `None` Gunicorn shows what follows; dictionaries, pairs and classes as Python does."""


class Case:
    """One folder, copied to where a server may write into it."""

    def __init__(self, name, folder):
        self.folder = folder
        shutil.copy(CONFIGURATIONS / "demo.py", folder)
        shutil.copytree(CONFIGURATIONS / name, folder, dirs_exist_ok=True)
        self.expected = tomllib.loads((folder / "expected.toml").read_text())
        for missing in self.expected.get("needs", []):
            if importlib.util.find_spec(missing) is None:
                pytest.skip(f"`{missing}` is not installed")
        for path in self.expected.get("folders", []):
            (folder / path).mkdir()

    def options(self):
        """How a server for this folder is started."""
        return {"cwd": self.folder, "env": {"HOME": str(self.folder)} | self.environment()}

    def environment(self):
        """The variables of the example."""
        return self.expected.get("environment", {})

    def command(self, *words):
        """What follows the program's name."""
        return [*self.expected.get("command", ["demo"]), *words]

    def listing(self, program):
        """`--print-config` as a dictionary, without the sources."""
        done = program.run(*self.command("--print-config"), **self.options())
        # Gunicorn's does not see `pythonpath` when it loads the application behind the listing.
        assert done.returncode == 0 or program is GUNICORN, done.stderr
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        values = {name.strip(): value.strip() for name, equals, value in pairs if equals}
        if program is GUNICORN:
            return {name: plain(value) for name, value in values.items()}
        # Behind the value stands where it comes from.
        return {name: value.rpartition("  ")[0].strip() for name, value in values.items()}

    def names(self):
        """The names that the file itself gives a value."""
        tree = ast.parse((self.folder / "gunicorn.conf.py").read_text())
        targets = (ast.walk(node) for node in tree.body)
        return {
            node.id
            for nodes in targets
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }


def plain(text):
    """A value that Python writes, as rwsgi writes it."""
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict():
            return ",".join(f"{name}={word}" for name, word in value.items())
        case list() | tuple():
            return ", ".join(map(str, value))
    return text


@pytest.fixture(params=NAMES)
def case(request, tmp_path):
    """Every example."""
    return Case(request.param, tmp_path)


@pytest.fixture(scope="session", params=[GUNICORN, *hosts()], ids=lambda program: program.name)
def program(request):
    """Gunicorn, which proves that the example is one, and every host of rwsgi."""
    return request.param


def test_it_serves(case, program):
    expected = case.expected | ({} if program is GUNICORN else case.expected.get("rwsgi", {}))
    boots = expected.get("boots") or int(case.listing(GUNICORN)["workers"])
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address, number = listener.getsockname(), listener.fileno()
        bind = ("--bind", f"fd://{number}")
        options = case.options() | {"pass_fds": [number], "stderr": subprocess.STDOUT}
        running = program.start_plain(*case.command(*bind), **options)
        # Only the server's: a request to one that could not start is refused at once.
        listener.close()
    with running:
        if not expected.get("quiet"):
            running.out.wait(BOOTING, count=1)
        for request in expected["requests"]:
            check_request(running, address, request)
        if not expected.get("quiet"):
            running.out.wait(BOOTING, count=boots)
        for line in expected.get("log", []):
            running.out.wait(line)
        running.signal(signal.SIGTERM)
        if program is GUNICORN:
            remind_workers(running)
        assert running.wait() == 0
        text = running.out.end()
    for pattern in expected.get("silent", []):
        assert not re.search(pattern, text, re.MULTILINE), text
    for name, pattern in expected.get("files", {}).items():
        found = (case.folder / name).read_text()
        assert re.fullmatch(pattern, found, re.DOTALL), found


def remind_workers(running):
    """A worker of Gunicorn that is not yet itself loses the signal, and its master waits for it."""
    for _ in range(int(PATIENCE)):
        try:
            running.process.wait(1)
        except subprocess.TimeoutExpired:
            for pid in set(alive_in_session(running.pid)) - {running.pid}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        else:
            return


def check_request(running, address, request):
    """Send a request of an example, compare the answer, and wait for what the log says."""
    mark = running.out.mark()
    target, headers = request["target"], list(request.get("headers", {}).items())
    if size := request.get("long_query"):
        target += "?" + "x" * size
    if size := request.get("long_header"):
        headers.append(("X-Long", "x" * size))
    if request.get("breaks"):
        with client.Connection(address) as connection:
            assert connection.send(client.message("GET", target)).at_end()
    else:
        answer = client.request(address, "GET", target, headers=headers)
        assert answer.status == request.get("status", 200), answer
        if "body" in request:
            assert answer.text == request["body"] + "\n"
    if "log" in request:
        running.out.wait(request["log"], after=mark)


def test_the_listing_is_gunicorns(case, host):
    gunicorn, ours = case.listing(GUNICORN), case.listing(host)
    for name in (case.names() - SHOWN_OTHERWISE) & gunicorn.keys() & ours.keys():
        assert ours[name] == gunicorn[name], name
    for name, value in case.expected.get("settings", {}).items():
        assert (gunicorn[name], ours[name]) == (value, value), name


def test_a_check_says_what_is_wrong_with_the_application(host, tmp_path):
    (tmp_path / "gunicorn.conf.py").write_text("print('read')\nwsgi_app = 'broken'\n")
    (tmp_path / "broken.py").write_text("raise ValueError('on purpose')\n")
    done = host.run("--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "read\n")
    assert "Traceback (most recent call last):" in done.stderr
    assert 'broken.py", line 1' in done.stderr
    assert "ValueError: on purpose" in done.stderr
    assert "rwsgi: error: cannot load the application `broken`" in done.stderr


def test_a_check_says_what_is_wrong_with_the_file(host, tmp_path):
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\ntimeout = 'long'\n")
    done = host.run("demo", "--check-config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"gunicorn\.conf\.py:2: invalid value `long` for `timeout`", done.stderr)


def test_coming_from_gunicorn(host):
    done = host.run("--from-gunicorn", "python -m gunicorn -w 2 demo -k gevent")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("python -m rwsgi -w 2 demo\n\nRefused;")
