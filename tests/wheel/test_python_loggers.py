"""Python's loggers beside Gunicorn's: the same settings, record by record."""

import json
import re
import sys
from pathlib import Path

import pytest
from server import APPS, Host
from test_logs import follow

LOGGING = APPS / "logging"
APP = "app"
GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))

SETTINGS = {
    "ini": ["--log-config", "log.ini"],
    "json": ["--log-config-json", "log.json"],
    "dictionary": ["-c", "dictionary.conf.py"],
    "class": ["-c", "quiet.conf.py"],
}

# What differs from one run to the next, and what only rwsgi says of a connection.
CHANGING = {"t", "T", "M", "D", "L", "p", "h", "{remote_addr}e", "{http_host}e", "{host}i"}


def records(host, path, *arguments):
    """What is told of two requests, and how a worker begins."""
    path.touch()
    options = {"cwd": LOGGING, "env": {"SHOWN": str(path)}}
    socket = f"unix:{path}.socket"
    with host.start(APP, *arguments, bind=socket, **options) as server, follow(path) as lines:
        lines.wait("Booting worker with pid")
        server.log.wait("1 worker ready|Booting worker") if host is not GUNICORN else None
        headers = [("X-Tenant", "alice"), ("User-Agent", "agent")]
        for target in ("/health", "/a%20b?c=d"):
            request(server, f"{path}.socket", target, headers)
        lines.wait('"name": "gunicorn.access".*/a b|"name": "gunicorn.access".*/a%20b')
        server.stop()
    return [json.loads(line) for line in path.read_text().splitlines()]


def request(server, address, target, headers):
    """Ask as soon as somebody listens."""
    import client

    assert client.request(address, "GET", target, headers=headers).status == 200


def shown(found):
    """Without what differs from one run to the next."""
    kept = []
    for record in found:
        if record["name"] == "gunicorn.error" and "Booting worker" not in record["message"]:
            continue
        if isinstance(record["args"], dict):
            record["args"] = {
                name: value
                for name, value in record["args"].items()
                if name not in CHANGING and not re.fullmatch(r"\{.*\}e", name)
            }
        record["message"] = re.sub(r"\[\d+/.*?\]|\d+", "N", record["message"])
        if "Booting" in record["message"]:
            record["args"] = []
        kept.append(record)
    return kept


@pytest.mark.parametrize("name", SETTINGS)
def test_records_are_gunicorns(host, name, tmp_path):
    theirs = shown(records(GUNICORN, tmp_path / "theirs", *SETTINGS[name]))
    ours = shown(records(host, tmp_path / "ours", *SETTINGS[name]))
    key = lambda record: (record["name"], record["message"])  # noqa: E731
    assert sorted(ours, key=key) == sorted(theirs, key=key)


def test_a_class_may_be_derived_from_ours(host, tmp_path):
    found = records(host, tmp_path / "ours", "-c", "own.conf.py")
    lines = [record["message"] for record in found if record["name"] == "gunicorn.access"]
    assert lines == ["alice GET /a b 200"]


def test_an_environ_variable_that_the_format_names_is_an_atom(host, tmp_path):
    options = ["--log-config-json", "log.json", "--access-logformat", "%({wsgi.url_scheme}e)s"]
    path = tmp_path / "shown"
    path.touch()
    environment = {"SHOWN": str(path)}
    with host.start(APP, *options, cwd=LOGGING, env=environment) as server, follow(path) as lines:
        server.log.wait("1 worker ready")
        server.get("/")
        lines.wait('"gunicorn.access".*"message": "http"')


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--log-config", "none.ini"], "there is no log config `none.ini`"),
        (["--log-config-json", "none.json"], "No such file or directory: 'none.json'"),
        (["--logger-class", "nowhere.Logger"], "No module named 'nowhere'"),
        (["--logger-class", "app.Nobody"], "has no attribute 'Nobody'"),
    ],
)
def test_what_cannot_be_set_up_keeps_the_server_from_starting(host, arguments, expected):
    with host.start(APP, *arguments, cwd=LOGGING, env={"SHOWN": "/dev/null"}) as server:
        assert server.wait() != 0
        assert expected in server.log.text


def test_a_logger_that_raises_stops_no_request(host, tmp_path):
    (tmp_path / "raising.py").write_text(
        "from rwsgi.glogging import Logger\n"
        "class Raising(Logger):\n"
        "    def access(self, *arguments):\n"
        "        raise ValueError('on purpose')\n"
    )
    options = ["--logger-class", "raising.Raising", "--pythonpath", str(tmp_path)]
    with host.start(APP, *options, cwd=LOGGING) as server:
        server.ready()
        for _ in range(20):
            assert server.get("/").status == 200
        server.log.wait("ValueError: on purpose")
        server.stop()
        assert server.log.text.count("Error in the logger") == 1


def test_files_of_the_application_are_opened_again(host, tmp_path):
    (tmp_path / "filed.py").write_text(
        "import logging\n"
        "logging.basicConfig(filename='filed.log', level=logging.INFO)\n"
        "from app import application as inner\n"
        "def application(environ, start_response):\n"
        "    return inner(environ, start_response)\n"
    )
    log = tmp_path / "filed.log"
    options = ["--pythonpath", str(LOGGING), "--chdir", str(tmp_path)]
    with host.start("filed:application", *options) as server:
        server.ready().get("/first")
        with follow(log) as lines:
            lines.wait("at /first")
        log.rename(tmp_path / "filed.log.1")
        server.signal(10)
        while not log.exists():
            assert server.get("/second").status == 200
        server.get("/third")
        with follow(log) as lines:
            lines.wait("at /third")
