"""The logs in syslog beside Gunicorn's: the same messages, byte by byte."""

import os
import re
import socket
import sys
import threading
from pathlib import Path

import pytest
from log import PATIENCE
from server import Host

APP = "access"
GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))

KINDS = ("udp", "tcp", "unix", "dgram", "stream")


class Syslog:
    """A daemon that keeps what it gets."""

    def __init__(self, kind, folder):
        is_stream = kind in ("tcp", "stream")
        family = socket.AF_INET if kind in ("udp", "tcp") else socket.AF_UNIX
        self.socket = socket.socket(family, socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM)
        if family == socket.AF_INET:
            self.socket.bind(("127.0.0.1", 0))
            self.address = f"{kind}://127.0.0.1:{self.socket.getsockname()[1]}"
        else:
            self.socket.bind(f"{folder}/log")
            self.address = f"unix://{folder}/log" + (f"#{kind}" if kind != "unix" else "")
        self.received = b""
        self._changed = threading.Condition()
        if is_stream:
            self.socket.listen()
        threading.Thread(target=self._accept if is_stream else self._read, daemon=True).start()

    def wait(self, pattern):
        """Wait for a message, and give it."""
        with self._changed:
            found = lambda: re.search(pattern, self.received)  # noqa: E731
            assert self._changed.wait_for(found, PATIENCE), (pattern, self.received)
            return found()[0]

    def _accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self._read, args=[connection], daemon=True).start()

    def _read(self, connection=None):
        while data := (connection or self.socket).recv(65536):
            with self._changed:
                self.received += data
                self._changed.notify_all()


def messages(host, syslog, *arguments):
    """A message of each log, without what differs from process to process."""
    options = ["--log-syslog", "--log-syslog-to", syslog.address, *arguments]
    with host.start(APP, *options) as server:
        booting = syslog.wait(rb"<\d+>[^<]*Booting worker with pid: \d+\x00")
        server.get("/shown?a=b", headers=[("User-Agent", "agent")])
        line = syslog.wait(rb"<\d+>[^<]*GET /shown[^<]*\x00")
    date = rb"\[\d+/\w+/\d+:\d+:\d+:\d+ [+-]\d+\]"
    return [
        re.sub(rb"\d+", b"N", booting),
        re.sub(rb"\[\d+\]", b"[N]", re.sub(date, b"[DATE]", line)),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_are_gunicorns(host, kind, tmp_path):
    (tmp_path / "theirs").mkdir()
    theirs = messages(GUNICORN, Syslog(kind, tmp_path / "theirs"))
    assert messages(host, Syslog(kind, tmp_path)) == theirs


def test_prefix_and_facility_are_gunicorns(host, tmp_path):
    (tmp_path / "theirs").mkdir()
    options = ["--log-syslog-prefix", "site", "--log-syslog-facility", "local3"]
    theirs = messages(GUNICORN, Syslog("dgram", tmp_path / "theirs"), *options)
    ours = messages(host, Syslog("dgram", tmp_path), *options)
    assert ours == theirs
    assert ours[0].startswith(b"<N>gunicorn.site.error: [N] ")


def test_the_access_log_may_stay_out(host, tmp_path):
    syslog = Syslog("dgram", tmp_path)
    options = ["--log-syslog", "--log-syslog-to", syslog.address, "--access-logfile", "-"]
    with host.start(APP, *options, "--disable-redirect-access-to-syslog") as server:
        server.ready().get("/shown")
        server.out.wait("GET /shown")
        server.stop()
        syslog.wait(rb"Worker exiting")
        assert b".access:" not in syslog.received


def test_both_logs_go_to_their_files_too(host, tmp_path):
    syslog = Syslog("udp", tmp_path)
    options = ["--log-syslog", "--log-syslog-to", syslog.address, "--access-logfile", "-"]
    with host.start(APP, *options) as server:
        server.ready().get("/shown")
        server.out.wait("GET /shown")
        syslog.wait(rb"\.access: \[\d+\] 127\.0\.0\.1 - - ")


def test_json_goes_to_syslog_too(host, tmp_path):
    syslog = Syslog("dgram", tmp_path)
    options = ["--log-syslog", "--log-syslog-to", syslog.address, "--log-format", "json"]
    with host.start(APP, *options) as server:
        syslog.wait(
            rb'<14>gunicorn\.access\.error: \[\d+\] \{"time":"[^"]*","pid":\d+,"level":"INFO"'
        )
        (match,) = server.log.wait(r"Listening at: http://127\.0\.0\.1:(\d+)")
        with socket.create_connection(("127.0.0.1", int(match[1]))) as connection:
            connection.sendall(b"GET /shown HTTP/1.1\r\nHost: a\r\n\r\n")
            syslog.wait(rb'<14>gunicorn\.access\.access: \[\d+\] \{"time":"[^"]*","method":"GET"')


def test_a_daemon_that_is_not_there_stops_nothing_and_is_found_later(host, tmp_path):
    options = ["--log-syslog", "--log-syslog-to", f"unix://{tmp_path}/log#dgram"]
    with host.start(APP, *options) as server:
        assert server.ready().get("/shown").status == 200
        server.log.wait("cannot send the access log to syslog, lines are lost: No such file")
        syslog = Syslog("dgram", tmp_path)
        while not syslog.received:
            assert server.get("/shown").status == 200


def test_a_daemon_that_does_not_read_stops_nothing(host, tmp_path):
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    daemon.bind(f"{tmp_path}/log")
    daemon.listen()
    options = ["--log-syslog", "--log-syslog-to", f"unix://{tmp_path}/log#stream"]
    with host.start(APP, *options) as server, server.ready().connect() as connection:
        request = b"GET /shown?%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 4000)
        for _ in range(500):  # about 2 MB: more than the socket and the buffer hold
            assert connection.send(request).response().status == 200
    os.unlink(f"{tmp_path}/log")


def test_an_address_that_is_none_is_refused(host):
    done = host.run(APP, "--log-syslog-to", "/dev/log")
    assert done.returncode == 2
    assert "expected `udp://HOST:PORT`, `tcp://HOST:PORT` or `unix://PATH`" in done.stderr
