"""A certificate that the server orders by itself."""

import os
import signal
from pathlib import Path

import pytest
from authority import Authority
from client import message
from processes import alive_in_session
from secured import Secured
from server import closed_to_others

APP = "environ_dump"
NAMES = ["example.test", "www.example.test"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority that gives certificates for every name."""
    with Authority(tmp_path_factory.mktemp("authority")) as running:
        yield running


def test_a_certificate_is_ordered_used_and_kept(host, authority, tmp_path):
    folder = tmp_path / "acme"
    arguments = [
        *("--acme-domain", ",".join(NAMES), "--acme-dir", str(folder), "--reuse-port"),
        *("--acme-server", authority.url, "--acme-ca-file", str(authority.root)),
    ]
    if os.geteuid() == 0 and not closed_to_others():
        arguments += ["--user", "54321", "--group", "54322"]
    options = {"bind": f"127.0.0.1:{authority.port}", "workers": 2}
    with host.start(APP, *arguments, **options) as server:
        server.log.wait("New certificate for example.test, www.example.test")
        server.log.wait("The certificates have changed")
        first = served(server, authority)
        assert "rwsgi: certificates" in " ".join(titles(server))
        server.signal(signal.SIGHUP)
        server.log.wait(r"Worker \(pid:\d+\) exited with code 0", count=2)
        assert served(server, authority) == first
        assert server.log.text.count("New certificate for") == 1
    kept = folder / "certificate.pem"
    assert (kept.stat().st_mode & 0o777, kept.stat().st_uid) == (0o600, os.geteuid())
    content = kept.read_bytes()
    with host.start(APP, *arguments, **options) as server:
        assert served(server.ready(), authority) == first
        server.stop()
        assert "Ordering" not in server.log.end()
    assert kept.read_bytes() == content


def served(server, authority):
    """The certificate that all names show to who believes the authority."""
    shown = set()
    for name in NAMES:
        with server.connect(Secured(authority.issuer).asking(name)) as connection:
            found = connection.send(message("GET", "/")).response().json["environ"]
            assert found["SSL_TLS_SNI"] == name
            shown.add(connection.socket.getpeercert(binary_form=True))
    assert len(shown) == 1
    return shown.pop()


def titles(server):
    """What `ps` shows of its processes."""
    pids = alive_in_session(server.pid)
    return [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids]
