"""The files of the logs: what is captured, rotation, a reload that names others; the journal."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import client
import pytest
from server import WSGI_APPS, Host
from test_logs import APP, follow, read, wait_for

GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))


@pytest.mark.parametrize("arguments", [[], ["--capture-output"]], ids=["free", "captured"])
def test_output_goes_where_gunicorns_goes(host, arguments, tmp_path):
    found = []
    for one in (GUNICORN, host):
        path = tmp_path / f"{one.name}.log"
        with (
            one.start(
                "access", "--error-logfile", str(path), *arguments, bind=f"unix:{path}.s"
            ) as server,
            follow(path) as lines,
        ):
            lines.wait("Booting worker")
            wait_for(lambda path=path: os.path.exists(f"{path}.s"))
            client.request(f"{path}.s", "GET", "/printed")
            lines.wait("^to errors$")
            server.stop()
        found.append((server.out.end(), "printed\n" in path.read_text()))
    assert found[0] == found[1] == (("", True) if arguments else ("printed\n", False))


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP], ids=["USR1", "HUP"])
@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_rotation(host, how, number, tmp_path):
    error, access, socket = (str(tmp_path / name) for name in ("error.log", "access.log", "socket"))
    options = ["--error-logfile", error, "--access-logfile", access, "--capture-output"]
    with host.start("access", *options, bind=f"unix:{socket}") as server:
        with follow(error) as lines:
            lines.wait("1 worker ready")
            client.request(socket, "GET", "/printed")
            lines.wait("^printed$")
        for path in (error, access):
            if how == "rename":
                os.rename(path, path + ".1")
            else:
                shutil.copy(path, path + ".1")
                os.truncate(path, 0)
        server.signal(number)
        with follow(error) as lines:
            # The worker opens its own files: nobody can tell which request is the first there.
            wait_for(lambda: asked(socket) and "printed" in read(error) and "GET" in read(access))
            lines.wait("^to errors$")
        server.stop()
    assert "Shutting down" in read(error)
    assert "\0" not in read(error) + read(access)
    assert "Starting rwsgi" in read(error + ".1")
    assert "Starting rwsgi" not in read(error)


def test_a_reload_may_name_other_files(host, tmp_path):
    shutil.copy(WSGI_APPS / "access.py", tmp_path)
    shutil.copy(WSGI_APPS / "routes.py", tmp_path)
    settings = tmp_path / "rwsgi.toml"
    settings.write_text('errorlog = "one.log"\naccesslog = "one.access"\n')
    with host.start("access", bind="unix:socket", cwd=tmp_path) as server:
        with follow(tmp_path / "one.log") as lines:
            lines.wait("1 worker ready")
        assert asked(f"{tmp_path}/socket")
        settings.write_text(
            'errorlog = "two.log"\naccesslog = "two.access"\n'
            'log_format = "json"\nloglevel = "debug"\n'
        )
        server.signal(signal.SIGHUP)
        with follow(tmp_path / "two.log") as lines:
            lines.wait('"level":"INFO","message":"Reload complete')
            wait_for(lambda: asked(f"{tmp_path}/socket") and "GET" in read(tmp_path / "two.access"))
            server.stop()
            lines.wait('"message":"Shutting down: Master"')
    assert read(tmp_path / "one.access").count("GET") == 1
    assert json.loads(read(tmp_path / "two.access").splitlines()[0])["path"] == "/printed"
    assert "Shutting down" not in read(tmp_path / "one.log")


def test_a_log_that_a_reload_cannot_open_goes_on_where_it_is(host, tmp_path):
    shutil.copy(WSGI_APPS / "hello.py", tmp_path)
    settings = tmp_path / "rwsgi.toml"
    settings.write_text('errorlog = "one.log"\n')
    one = tmp_path / "one.log"
    one.touch()
    with host.start("hello", bind="unix:socket", cwd=tmp_path) as server, follow(one) as lines:
        lines.wait("1 worker ready")
        settings.write_text('errorlog = "nowhere/two.log"\n')
        server.signal(signal.SIGHUP)
        lines.wait("cannot open the error log `.*nowhere/two.log`: No such file")
        server.stop()
        lines.wait("Shutting down")


def asked(socket):
    return client.request(socket, "GET", "/printed").status == 200


def test_the_journal_gets_severities(host, tmp_path):
    path = tmp_path / "journal"
    with path.open("w") as journal:
        place = os.fstat(journal.fileno())
        environment = {"JOURNAL_STREAM": f"{place.st_dev}:{place.st_ino}"}
        with (
            host.start(
                "broken", stderr=journal, env=environment, bind=f"unix:{tmp_path}/socket"
            ) as server,
            follow(path) as lines,
        ):
            lines.wait(r"^<6>\[.*\] \[INFO\] 1 worker ready")
            client.request(f"{tmp_path}/socket", "GET", "/exception")
            lines.wait(r"^<3>\[.*\] \[ERROR\] Error handling request GET /exception")
            lines.wait(r"^<3>Traceback ")
            server.stop()


def test_another_stream_is_not_the_journal(host):
    with host.start(APP, env={"JOURNAL_STREAM": "1:2"}) as server:
        server.log.wait(r"^\[.*1 worker ready")
