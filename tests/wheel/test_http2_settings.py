"""HTTP/2 over TLS: settings, refusals, and a reload while a request runs."""

import signal
import subprocess
import sys

import pytest
from certificate import certificate
from h2.settings import SettingCodes
from http2 import Http2
from log import PATIENCE, Log
from secured import PROTOCOLS, Secured, secure
from server import WSGI_APPS, Host, hosts


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A certificate for this machine and its key."""
    return certificate(tmp_path_factory.mktemp("certificate"))


def test_what_is_refused_is_refused_in_its_stream(host, pair):
    arguments, client = secure(pair)
    arguments += ["--allow-host", "example.org", "--deny-path", "/fixed", "--header", "X-A: b"]
    arguments += ["--rate-limit-path", "/digest=1r/h,burst=2", "--hsts", "60"]
    running = host.start("flask_pages", *arguments)
    with running as server, Http2(server.ready().address, client) as wire:

        def status(method, path, authority="example.org"):
            answer = wire.answer(wire.begin(method, path, authority=authority))
            assert answer.header("strict-transport-security") == "max-age=60"
            return answer.status, answer.header("x-a")

        assert status("GET", "/page") == (200, "b")
        assert status("GET", "/page", authority="example.net") == (421, "b")
        assert status("GET", "/fixed") == (404, "b")
        found = [status("POST", "/digest") for _ in range(3)]
        assert found == [(200, "b"), (200, "b"), (429, "b")]
        assert status("GET", "/page") == (200, "b")


def test_a_request_that_runs_ends_before_its_worker(host, pair, pipe):
    # The package h2 gives up whatever runs when it is told to go; curl does not.
    curl = ["curl", "--silent", "--verbose", "--no-buffer", "--noproxy", "*", "--http2"]
    with host.start("flask_pages", *secure(pair)[0], "--threads", "2") as server:
        _, port = server.ready().address
        command = [*curl, "--cacert", str(pair[0]), f"https://localhost:{port}/events?pipe={pipe}"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **streams) as visitor:
            try:
                told = Log(visitor.stderr)
                assert visitor.stdout.readline() == "data: first\n"
                server.signal(signal.SIGHUP)
                told.wait("GOAWAY, error=0")
                pipe.write_text("")
                assert visitor.stdout.read() == "\ndata: second\n\n"
                assert visitor.wait(PATIENCE) == 0
            finally:
                visitor.kill()
        server.log.wait("Reload complete")


SETTINGS = """
import os

wsgi_app = "flask_pages:application"
worker_class = "gthread"
threads = 2
certfile, keyfile = os.environ["PAIR"].split(":")
http_protocols = os.environ["PROTOCOLS"]
http2_max_concurrent_streams = 7
http2_initial_window_size = 70_000
http2_max_frame_size = 20_000
http2_max_header_list_size = 10_000
"""
GUNICORN = Host("gunicorn", (sys.executable, "-m", "gunicorn"))


@pytest.mark.parametrize("protocols", ["h2,h1", "h1"])
@pytest.mark.parametrize("program", [GUNICORN, *hosts()], ids=lambda program: program.name)
def test_a_file_of_gunicorn_decides(program, pair, tmp_path, protocols):
    (tmp_path / "gunicorn.conf.py").write_text(SETTINGS)
    environment = {
        "PYTHONPATH": str(WSGI_APPS),
        "HOME": str(tmp_path),
        "PAIR": ":".join(map(str, pair)),
        "PROTOCOLS": protocols,
    }
    with program.start(cwd=tmp_path, env=environment) as server:
        server.log.wait("Booting worker")
        client = Secured(pair[0], protocols=PROTOCOLS)
        if protocols == "h1":
            with server.connect(client) as connection:
                assert connection.socket.selected_alpn_protocol() in ("http/1.1", None)
            assert server.get("/environ", secured=client).json["SERVER_PROTOCOL"] == "HTTP/1.1"
            return
        with Http2(server.address, client) as wire:
            assert wire.socket.selected_alpn_protocol() == "h2"
            assert wire.request("GET", "/page").status == 200
            if program is GUNICORN:
                return  # it announces its defaults
            assert wire.settings[SettingCodes.MAX_CONCURRENT_STREAMS] == 7
            assert wire.settings[SettingCodes.INITIAL_WINDOW_SIZE] == 70_000
            assert wire.settings[SettingCodes.MAX_FRAME_SIZE] == 20_000
            assert wire.settings[SettingCodes.MAX_HEADER_LIST_SIZE] == 10_000
            many = [(f"x-{number}", "y" * 1000) for number in range(12)]
            assert wire.request("GET", "/page", many).status == 431
            assert wire.request("GET", "/page").status == 200
