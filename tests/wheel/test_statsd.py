"""statsd: what Gunicorn sends for the same requests, packet by packet, and what comes beside it."""

import re
import signal
import socket
import sys
from pathlib import Path

import pytest
from client import PATIENCE, Connection
from server import Host

GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))
APP = "broken"

OWN = ("gunicorn.workers.busy", "gunicorn.workers.idle", "gunicorn.queue.depth")
OWN += ("gunicorn.request.queue_time",)


class Statsd:
    """A socket that datagrams are sent to."""

    def __init__(self, kind, folder):
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(str(folder / "statsd"))
            self.address = f"unix://{folder}/statsd"
        else:
            ipv6 = kind == "udp6"
            host = "::1" if ipv6 else "127.0.0.1"
            family = socket.AF_INET6 if ipv6 else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.bind((host, 0))
            port = self.socket.getsockname()[1]
            self.address = f"[{host}]:{port}" if ipv6 else f"{host}:{port}"
        self.socket.settimeout(PATIENCE)
        self.packets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def wait(self, pattern):
        """Take down what comes until a packet is like this."""
        while True:
            packet = self.socket.recv(1000).decode()
            self.packets.append(packet)
            if re.search(pattern, packet):
                return packet


def course(server, statsd):
    """Requests of all kinds, and a change of the number of workers."""
    statsd.wait(r"gunicorn\.workers:1\|")
    statsd.wait(r"gunicorn\.backlog:")
    for path, status in (("/pid", 200), ("/missing", 404), ("/exception", 500)):
        assert server.get(path).status == status
        statsd.wait(rf"status\.{status}:")
    with Connection(server.address) as connection:
        connection.send(b"GARBAGE\r\n\r\n")
        assert connection.response().status == 400
    statsd.wait(r"log\.warning:")
    server.signal(signal.SIGTTIN)
    statsd.wait(r"gunicorn\.workers:2\|")


def sent(host, kind, folder, *arguments):
    """The packets of a server that takes this course, with numbers that time makes left out."""
    folder = folder / host.name
    folder.mkdir()
    with Statsd(kind, folder) as statsd:
        options = ["--statsd-host", statsd.address, "--enable-backlog-metric", *arguments]
        if host is GUNICORN:
            options += ["--no-control-socket"]
        with host.start(APP, *options) as server:
            course(server, statsd)
        return [re.sub(r"\d+\.\d+\|ms", "N|ms", packet) for packet in statsd.packets]


@pytest.mark.parametrize("kind", ["udp", "udp6", "unix"])
def test_the_packets_are_gunicorns(host, kind, tmp_path):
    arguments = ["--statsd-prefix", "site..", "--dogstatsd-tags", "env:test,x"]
    theirs, ours = (sent(one, kind, tmp_path, *arguments) for one in (GUNICORN, host))
    assert all(packet.startswith("site.gunicorn.") for packet in ours)
    assert all(packet.endswith("|#env:test,x") for packet in ours)

    def told(packets):
        # How often the queue was looked at is a matter of time.
        names = [f"site.{name}:" for name in (*OWN, "gunicorn.backlog")]
        return [packet for packet in packets if not packet.startswith(tuple(names))]

    assert told(ours) == told(theirs)
    backlog = "site.gunicorn.backlog:0|h|#env:test,x"
    assert backlog in ours
    assert backlog in theirs


def test_what_is_sent_beside_that(host, tmp_path):
    with (
        Statsd("udp", tmp_path) as statsd,
        host.start("blocking", "--statsd-host", statsd.address) as server,
    ):
        statsd.wait(r"^gunicorn\.workers\.idle:1\|g$")
        statsd.wait(r"^gunicorn\.queue\.depth:0\|g$")
        server.ready().get("/")
        statsd.wait(r"^gunicorn\.request\.queue_time:\d+\.\d+\|ms$")
        server.signal(signal.SIGTTIN)
        statsd.wait(r"^gunicorn\.workers\.idle:2\|g$")
        assert not any("backlog" in packet for packet in statsd.packets)


def test_without_anybody_who_listens_all_is_served(host):
    with host.start(APP, "--statsd-host", "no-such-host.invalid") as server:
        server.ready().log.wait("no statsd is told anything")
        assert server.get("/pid").status == 200


@pytest.mark.parametrize("address", ["8125", "unix:/run/x", "udp://a:1", ""])
def test_an_address_that_is_none_is_refused(host, address):
    done = host.run(APP, f"--statsd-host={address}")
    assert done.returncode == 2
    assert "expected `HOST:PORT`, `[IPV6]:PORT` or `unix://PATH`" in done.stderr
