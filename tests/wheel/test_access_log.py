"""The access log beside Gunicorn's: the same requests, atom by atom."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path

import pytest
from client import Connection, message
from server import Host

APP = "access"
GUNICORN = Host("gunicorn", (str(Path(sys.executable).parent / "gunicorn"),))

SHAPES = {
    "%(t)s": r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]",
    "%(T)s": "0",
    "%(M)s": r"\d+",
    "%(D)s": r"\d+",
    "%(L)s": r"0\.\d{6}",
    "%(p)s": r"<\d+>",
    "%(D)08d": r"\d{8}",
    "%(M)-6dms": r"\d+ *ms",
}
"""Atoms that are of one moment or one process: how they look under both servers."""

ATOMS = [
    *(
        "%(h)s",
        "%(l)s",
        "%(u)s",
        "%(r)s",
        "%(m)s",
        "%(U)s",
        "%(q)s",
        "%(H)s",
        "%(s)s",
        "%(B)s",
        "%(b)s",
    ),
    *("%(f)s", "%(a)s", "%({x-in}i)s", "%({X-IN}i)s", "%({x-in}I)s", "%({missing}i)s"),
    *("%({x-out}o)s", "%({X-Quoted}O)s", "%({missing}o)s"),
    *(
        "%({request_method}e)s",
        "%({WSGI.url_scheme}E)s",
        "%({access.user}e)s",
        "%({access.number}e)s",
    ),
    *("%({access.object}e)s", "%({missing}e)s", "%({wsgi.multiprocess}e)s"),
    *("%(h)12s", "%(h)-12s", "%(m).2s", "%(s)5s", "%(B)d", "%(B)+05d", "%(T)d", "100%%", *SHAPES),
]

REQUESTS = {
    "get": message("GET", "/shown?a=b%22", headers=[("X-In", "in"), ("Referer", "http://from/?x")]),
    "decoded": message("GET", "/%73hown/a%20b", headers=[("User-Agent", 'say "hello"')]),
    "query": message("GET", "/shown?", headers=[("X-In", "")]),
    "post": message("POST", "/created", body=b"body"),
    "head": message("HEAD", "/shown"),
    "empty": message("GET", "/nothing"),
    "streamed": message("GET", "/streamed"),
    "old": message("GET", "/streamed", version="1.0"),
    "missing": message("GET", "/elsewhere"),
    "user": message("GET", "/shown", headers=[("Authorization", "Basic dXNlcjpwYXNz")]),
    "no user": message("GET", "/shown", headers=[("Authorization", "Bearer dXNlcjpwYXNz")]),
    "no base": message("GET", "/shown", headers=[("Authorization", "Basic !!!")]),
    "no colon": message("GET", "/shown", headers=[("Authorization", "Basic dXNlcg==")]),
    "repeated": message("GET", "/shown", headers=[("X-In", "one"), ("X-In", "two")]),
    "absolute": message("GET", "http://localhost/shown?x"),
    "accent": message("GET", "/%C3%A9", headers=[("X-In", "\xe9")]),
    "newline": message("GET", "/%0Aforged"),
    "backslash": message("GET", "/shown", headers=[("X-In", "a\\b")]),
    "server": message("OPTIONS", "*"),
}

SEPARATOR = "\x1f"

ESCAPED = ("%({x-in}i)s", "%({X-IN}i)s", "%({x-in}I)s")
DIFFERENCES = {
    # A request could forge a line, and a reader could not tell a quote from an escaped one.
    ("newline", "%(U)s"): ("/\nforged", "/\\x0aforged"),
    **{("backslash", atom): ("a\\b", "a\\\\b") for atom in ESCAPED},
    # Bytes beyond ASCII, not the characters that Latin-1 makes of them.
    ("accent", "%(U)s"): ("/\xc3\xa9", "/\\xc3\\xa9"),
    **{("accent", atom): ("\xe9", "\\xe9") for atom in ESCAPED},
    # `OPTIONS *` is about the server: PATH_INFO is empty.
    ("server", "%(U)s"): ("*", ""),
}
"""On purpose: a request and an atom, what Gunicorn shows and what rwsgi shows."""


@pytest.fixture(scope="module")
def gunicorns(tmp_path_factory):
    """What Gunicorn logs of each request."""
    return logged(GUNICORN, tmp_path_factory.mktemp("gunicorn") / "access.log")


def logged(host, path, *arguments):
    """The atoms of each request as a server logs them."""
    template = SEPARATOR.join(ATOMS) + SEPARATOR + "end"
    options = ["--access-logfile", str(path), "--access-logformat", template, *arguments]
    with host.start(APP, *options) as server:
        for request in REQUESTS.values():
            with server.connect() as connection:
                connection.send(request).response(request.split(b" ")[0].decode())
        server.stop()
    text = path.read_bytes().decode("utf-8").removesuffix("end\n")
    lines = [line.split(SEPARATOR)[:-1] for line in text.split("end\n")]
    assert [len(line) for line in lines] == [len(ATOMS)] * len(REQUESTS), text
    return {
        name: dict(zip(ATOMS, line, strict=True))
        for name, line in zip(REQUESTS, lines, strict=True)
    }


def test_every_atom_is_gunicorns(host, gunicorns, tmp_path):
    found = {}
    for name, ours in logged(host, tmp_path / "access.log").items():
        for atom, value in ours.items():
            theirs = gunicorns[name][atom]
            if atom in SHAPES:
                assert re.fullmatch(SHAPES[atom], value), (name, atom, value)
                assert re.fullmatch(SHAPES[atom], theirs), (name, atom, theirs)
            elif value != theirs:
                found[name, atom] = (theirs, value)
    assert found == DIFFERENCES


def test_what_gunicorn_does_not_show_has_atoms_too(host):
    template = "%(q_ms)s|%(fb_ms)s|%(bytes_in)s|%(id)s|%(end)s"
    with host.start(APP, "--access-logfile", "-", "--access-logformat", template) as server:
        server.ready().request("POST", "/created", body=b"body")
        server.out.wait(r"^\d+\|\d+\|4\|-\|complete$")


def test_json(host):
    options = ["--access-logfile", "-", "--log-format", "json", "--request-id", "on"]
    headers = [
        ("User-Agent", 'say "é"\\'),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Request-ID", "abc"),
    ]
    with host.start(APP, *options) as server:
        server.log.wait("Worker ready")
        (listening,) = server.log.wait("Listening at")
        address = re.search(r"http://(.*):(\d+) ", json.loads(listening.string)["message"])
        with Connection((address[1], int(address[2]))) as connection:
            request = message("GET", "/%0Ashown?a=%22&b", headers=headers)
            response = connection.send(request).response()
        (line,) = server.out.wait("shown")
    shown = json.loads(line.string)
    times = {name: shown.pop(name) for name in ("duration", "queue_time", "first_byte_time")}
    assert all(isinstance(time, float) and 0 <= time < 30 for time in times.values()), times
    assert datetime.fromisoformat(shown.pop("time")).tzinfo is not None
    assert isinstance(shown.pop("worker"), int)
    assert response.header("X-Request-ID") == "abc"
    assert shown == {
        "method": "GET",
        "path": "/%0Ashown",
        "query": "a=%22&b",
        "status": 404,
        "bytes": 0,
        "bytes_in": 0,
        "peer": "127.0.0.1",
        "forwarded_for": "192.0.2.1",
        "request_id": "abc",
        "protocol": "HTTP/1.1",
        "user_agent": 'say "\N{REPLACEMENT CHARACTER}"\\',
        "referer": None,
        "end": "complete",
    }


def test_a_request_id_is_made_and_traceparent_passes(host):
    options = ["--access-logfile", "-", "--access-logformat", "%(id)s %({traceparent}i)s"]
    trusted = ["--request-id", "on", "--forwarded-allow-ips", "192.0.2.1"]
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = [("X-Request-ID", "forged"), ("traceparent", trace)]
    with host.start("environ_dump", *options, *trusted) as server:
        response = server.ready().get(headers=headers)
        identity = response.header("X-Request-ID")
        assert re.fullmatch("[0-9a-f]{32}", identity)
        assert response.json["environ"]["HTTP_X_REQUEST_ID"] == identity
        assert response.json["environ"]["HTTP_TRACEPARENT"] == trace
        server.out.wait(f"^{identity} {trace}$")


def test_an_application_may_name_its_request(host):
    with host.start(APP, "--request-id", "X-Out") as server:
        assert server.ready().get("/shown").all("X-Out") == ["of the app"]
