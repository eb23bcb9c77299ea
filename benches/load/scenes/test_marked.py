"""Tests of what is compared with nginx: the same answer, and a resumed session."""
# ruff: noqa: S101 - pytest is made of asserts

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPMessage
from pathlib import Path

import marks
import pytest
from launch import Answer, Launch
from options import parse
from result import Result, Row
from servers import Server
from session import BenchError, Session
from targets import ABSENT, MET, MISSED

from scenes import SCENES, certificates
from scenes.handshakes import HANDSHAKES, VERSIONS, crowd
from scenes.marked import LOADS
from scenes.service import CHANGED, FILES, HEADERS, SHEET, differing, lay_files
from scenes.stage import GREETING
from scenes.test_every_scene import short_run

NATIVE = "rwsgi-native"
OTHERS = ("nginx", "nginx-file-cache", "gunicorn-gthread")
LIKE_ANOTHER = {"handshakes-rsa"}
AS_SENT = {
    **HEADERS,
    "Cache-Control": "public, max-age=60",
    "Content-Type": 'text/css; charset="utf-8"',
    "Content-Length": "2",
    "ETag": '"tag"',
    "Server": "any",
    "Date": "now",
}


def answer(**changed: str | None) -> Answer:
    """Make an answer with other headers than usual; None takes one out."""
    message = HTTPMessage()
    names = {name.lower(): value for name, value in AS_SENT.items()}
    names.update({name.replace("_", "-"): value for name, value in changed.items()})
    for name, value in names.items():
        if value is not None:
            message[name] = value
    return Answer(200, message, b"ab")


def test_headers_are_the_same_whatever_their_order_and_quotes():
    assert differing(HEADERS, answer()) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"vary": None}, "vary: None"),
        ({"etag": None}, "no ETag"),
        ({"cache_control": "max-age=60"}, "cache-control: 'max-age=60'"),
        ({"content_length": "3"}, "content-length: '3'"),
        ({"expires": "later"}, "expires: 'later', None was expected"),
    ],
)
def test_a_header_more_or_less_is_told(changed, said):
    assert said in differing(HEADERS, answer(**changed))


def test_the_files_are_as_large_and_as_old_as_they_should_be(tmp_path):
    lay_files(tmp_path)
    assert len(SHEET) == 20 * 1024
    for name in FILES:
        assert (tmp_path / name).stat().st_mtime == CHANGED


def verdicts(name: str, costs: dict[str, float], key: str = "cpu_us") -> list[str]:
    """Judge the targets of one scene when every round is alike."""
    (scene,) = (scene for scene in SCENES if scene.name == name)
    rows = [
        Row(server, name, number, {key: cost})
        for server, cost in costs.items()
        for number in (1, 2, 3)
    ]
    servers = {server: {"peer": server != NATIVE} for server in costs}
    result = Result(options={}, machine={}, servers=servers, left_out={}, rows=rows)
    return [target.judge(result, NATIVE).verdict for target in scene.targets]


def test_a_file_is_judged_by_nginx_as_it_is_and_by_the_better_whitenoise():
    costs = {"nginx": 10.0, "nginx-file-cache": 1.0, "gunicorn-sync": 130.0}
    assert verdicts("static-20k", {NATIVE: 13.0, **costs}) == [MET, MET]
    assert verdicts("static-20k", {NATIVE: 13.1, **costs}) == [MISSED, MISSED]
    worse = {"gunicorn-sync": 130.0, "gunicorn-gthread": 129.0}
    assert verdicts("static-20k", {NATIVE: 13.0, **worse}) == [ABSENT, MISSED]


@pytest.mark.parametrize("name", [scene.name for scene in HANDSHAKES])
def test_each_version_of_tls_is_judged(name):
    assert verdicts(name, {NATIVE: 15.0, "nginx": 10.0}) == [MET, ABSENT]
    assert verdicts(name, {NATIVE: 16.0, "nginx": 10.0}, "cpu_us_12") == [ABSENT, MISSED]


def test_an_nginx_that_is_not_there_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(marks, "NGINX", str(tmp_path / "nginx"))
    assert marks.mark("nginx", parse(["--out", str(tmp_path)])) == marks.MISSING


@contextmanager
def forgetful(pair: certificates.Pair, tickets: bool) -> Iterator[tuple[str, int]]:
    """Have a server that greets by TLS, and perhaps gives no session away."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if not tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=greet, args=(listener, context))
        serving.start()
        try:
            yield listener.getsockname()
        finally:
            # Wakes the thread, which sees that nothing was said.
            socket.create_connection(listener.getsockname()).close()
            serving.join()


def greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Greet each client until one comes that says nothing."""
    while True:
        plain, _ = listener.accept()
        with plain:
            if not plain.recv(1, socket.MSG_PEEK):
                return
            # A client may go without a word once it has the answer.
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as end:
                end.recv(1 << 16)
                end.sendall(b"HTTP/1.1 200 OK\r\n\r\nHello, World!\n")
                end.unwrap()


def session_at(address: tuple[str, int], certificate: Path) -> Session:
    """Make a session of which nothing but address and certificate count."""
    python = Path(sys.executable)
    server = Server("fake", python, python, lambda _: [], version="0")
    launch = Launch(python.parent, "app", GREETING, certificate=certificate)
    return Session(server, launch, 0, address, python)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> certificates.Pair:
    """Make a certificate for all tests."""
    one = certificates.Pair("ecdsa", tmp_path_factory.mktemp("pair"))
    certificates.make(one)
    return one


@pytest.mark.parametrize("version", VERSIONS.values(), ids=str)
def test_a_session_counts_as_resumed_only_when_it_was(pair, version):
    with forgetful(pair, tickets=True) as address:
        client, *_ = crowd(session_at(address, pair.certificate), version, resumes=True)
        client.connect()
    with forgetful(pair, tickets=True) as address:
        client.session = session_at(address, pair.certificate)
        with pytest.raises(BenchError, match=r"a session of TLSv1\.\d was not resumed"):
            client.connect()


@pytest.mark.parametrize("version", VERSIONS.values(), ids=str)
def test_a_server_that_gives_no_session_is_told(pair, version):
    with forgetful(pair, tickets=False) as address:
        session = session_at(address, pair.certificate)
        crowd(session, version, resumes=False)[0].connect()
        with pytest.raises(BenchError, match="no session was given away"):
            crowd(session, version, resumes=True)


def test_nginx_and_whitenoise_are_measured_too(tmp_path):
    if not Path(marks.NGINX).exists():
        pytest.skip(marks.MISSING)
    scenes = [scene for scene in (*LOADS, *HANDSHAKES) if scene.name not in LIKE_ANOTHER]
    chosen = ",".join(scene.name for scene in scenes)
    found = short_run(tmp_path, "--only", ",".join(OTHERS), "--scenes", chosen)
    rows = {(row["scene"], row["server"]): row["figures"].keys() for row in found["rows"]}
    for scene in scenes:
        for name in OTHERS:
            if name not in scene.service.peers:
                continue
            missing = {column.key for column in scene.columns} - rows[scene.name, name]
            assert not missing, f"{scene.name}, {name}: {missing}"
