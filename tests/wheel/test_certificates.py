"""Certificates in the life of a server: files that change, reloads, a new master."""

import os
import signal

import pytest
from certificate import certificate, pem
from client import message
from log import PATIENCE
from processes import Watch
from secured import Secured, certificate_of
from server import closed_to_others

APP = "environ_dump"
REQUEST = message("GET", "/")
CHANGED = "The certificates have changed and are used from the next connection on"


def ask(connection):
    """Which worker answers a request."""
    return connection.send(REQUEST).response().json["pid"]


@pytest.fixture
def live(tmp_path):
    """A folder with the pair of a site, which others may not enter, and how to renew that pair."""
    cert, key = certificate(tmp_path / "live", "site.test")
    (tmp_path / "live").chmod(0o700)
    renewed = iter(range(9))

    def renew(broken=False):
        new = certificate(tmp_path / f"new{next(renewed)}", "site.test")
        os.replace(new[0], cert)
        if not broken:
            os.replace(new[1], key)

    return cert, key, renew


def shown(servers):
    """The certificate that a new client of each sees."""
    return [certificate_of(server, "site.test") for server in servers]


def test_files_that_change_are_read_by_the_master(host, live):
    cert, key, renew = live
    files = ("--certfile", str(cert), "--keyfile", str(key), "--keep-alive", "60")
    if os.geteuid() == 0 and not closed_to_others():
        files += ("--user", "54321", "--group", "54322")
    # Both at the same time: files are looked at every few seconds.
    with host.start(APP, *files) as plain, host.start(APP, *files, "--preload") as moulded:
        servers = [plain.ready(), moulded.ready()]
        client = Secured(cert).asking("site.test")
        with plain.connect(client) as kept:
            worker = ask(kept)
            assert shown(servers) == [pem(cert)] * 2
            renew()
            in_all_logs(servers, CHANGED)
            second = pem(cert)
            assert shown(servers) == [second] * 2
            renew(broken=True)
            in_all_logs(servers, "the private key does not fit the certificate")
            in_all_logs(servers, "The certificates that were read before stay in use")
            assert shown(servers) == [second] * 2
            assert ask(kept) == worker
        assert plain.worker_pids() == [worker]
        hang_up(servers)
        in_all_logs(servers, "reload failed, still serving generation 1")
        assert shown(servers) == [second] * 2
        renew()
        hang_up(servers)
        in_all_logs(servers, r"Worker \(pid:\d+\) exited with code 0")
        assert shown(servers) == [pem(cert)] * 2
        assert pem(cert) != second


def in_all_logs(servers, pattern):
    """Wait for such a line of each."""
    for server in servers:
        server.log.wait(pattern)


def hang_up(servers):
    """Ask all to reload."""
    for server in servers:
        server.signal(signal.SIGHUP)


def test_a_new_master_has_the_certificates(host, live):
    cert, key, _ = live
    with host.start(APP, "--certfile", str(cert), "--keyfile", str(key)) as server:
        server.ready().signal(signal.SIGUSR2)
        (started,) = server.log.wait(r"Started a new master \(pid:(\d+)\)")
        with Watch([int(started[1])]) as watch:
            server.log.wait("1 worker ready", count=2)
            server.signal(signal.SIGTERM)
            server.log.wait("Master has been promoted.")
            with server.connect(Secured(cert).asking("site.test")) as connection:
                assert ask(connection) == server.worker_pids()[-1]
            os.kill(int(started[1]), signal.SIGTERM)
            assert watch.wait(PATIENCE) == []
