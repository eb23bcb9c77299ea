"""HTTPS as applications and clients meet it: who is who, sessions, settings of Gunicorn."""

import shutil
import ssl
import sys

import pytest
from certificate import certificate, encrypted, pem, vouched
from client import message
from secured import Secured, certificate_of
from server import WSGI_APPS, Host, hosts

APP = "environ_dump"
PASSWORD = "opens the key"  # noqa: S105
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
REQUEST = message("GET", "/")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Certificates and keys: of two sites, of an authority, of a client of it and of a stranger."""
    folder = tmp_path_factory.mktemp("pairs")
    found = {
        "site": certificate(folder / "site", "site.test"),
        "other": certificate(folder / "other", "other.test", "*.wild.test"),
        "authority": certificate(folder / "authority", "authority"),
        "stranger": certificate(folder / "stranger", "stranger"),
    }
    return found | {"carla": vouched(folder / "carla", "/O=Shop/CN=carla", found["authority"])}


@pytest.fixture(scope="module")
def site(host, pairs):
    """Two sites, the key of one encrypted; clients may show a certificate."""
    cert, key = pairs["site"]
    password = key.with_name("password")
    password.write_text(f"{PASSWORD}\n")
    arguments = [
        *("--certfile", str(cert), "--keyfile", str(encrypted(key, PASSWORD))),
        *("--certfile", str(pairs["other"][0]), "--keyfile", str(pairs["other"][1])),
        *("--key-password-file", str(password)),
        *("--ca-certs", str(pairs["authority"][0]), "--cert-reqs", "1"),
    ]
    with host.start(APP, *arguments, workers=2) as running:
        yield running.ready()


def ask(connection):
    """What the application says of a request."""
    return connection.send(REQUEST).response().json


@pytest.mark.parametrize("version", VERSIONS)
def test_the_application_learns_what_was_agreed_on(site, pairs, version):
    client = Secured(pairs["site"][0], version=version)
    with site.connect(client.asking("site.test")) as connection:
        dump = ask(connection)
        cipher, protocol, _ = connection.socket.cipher()
    found = {name: dump["environ"][name] for name in dump["environ"] if name.startswith("SSL_")}
    assert found == {
        "SSL_PROTOCOL": protocol,
        "SSL_CIPHER": cipher,
        "SSL_TLS_SNI": "site.test",
        "SSL_SESSION_RESUMED": "Initial",
        "SSL_CLIENT_VERIFY": "NONE",
    }
    assert (dump["environ"]["wsgi.url_scheme"], dump["environ"]["HTTPS"]) == ("https", "on")
    assert {dump["types"][name] for name in found} == {"str"}


def test_the_application_learns_who_the_client_is(site, pairs):
    client = Secured(pairs["site"][0], own=pairs["carla"])
    with site.connect(client.asking("site.test")) as connection:
        found = ask(connection)["environ"]
    assert found["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert found["SSL_CLIENT_S_DN"] == "CN=carla,O=Shop"
    assert found["SSL_CLIENT_I_DN"] == "CN=authority"
    assert found["SSL_CLIENT_M_SERIAL"] == "2A"
    own = pairs["carla"][0].read_text()
    assert ssl.PEM_cert_to_DER_cert(found["SSL_CLIENT_CERT"]) == ssl.PEM_cert_to_DER_cert(own)
    begin, end = (
        ssl.cert_time_to_seconds(found[f"SSL_CLIENT_V_{when}"]) for when in ("START", "END")
    )
    assert end - begin == 9 * 24 * 3600


def test_headers_do_not_tell_who_the_client_is(site, pairs):
    headers = [("SSL-Client-Verify", "SUCCESS"), ("Ssl-Client-S-Dn", "CN=carla"), ("HTTPS", "off")]
    client = Secured(pairs["site"][0]).asking("site.test")
    found = site.get("/", headers=headers, secured=client).json["environ"]
    assert (found["SSL_CLIENT_VERIFY"], found["HTTPS"]) == ("NONE", "on")
    assert "SSL_CLIENT_S_DN" not in found
    assert found["HTTP_SSL_CLIENT_VERIFY"] == "SUCCESS"


def test_a_client_that_nobody_vouches_for_is_refused(site, pairs):
    client = Secured(pairs["site"][0], own=pairs["stranger"]).asking("site.test")
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        site.get("/", secured=client)
    assert site.get("/", secured=Secured(pairs["site"][0]).asking("site.test")).status == 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("site.test", "site"),
        ("other.test", "other"),
        ("a.wild.test", "other"),
        ("none.test", "site"),
    ],
)
def test_the_name_that_is_asked_for_chooses_the_certificate(site, pairs, name, expected):
    assert certificate_of(site, name) == pem(pairs[expected][0])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_worker_resumes_a_session_and_knows_the_client(site, pairs, version):
    client = Secured(pairs["site"][0], own=pairs["carla"], version=version)
    with site.connect(client.asking("site.test")) as connection:
        first = ask(connection)
        session = connection.socket.session
    met = {first["pid"]}
    for _ in range(200):
        with site.connect(client.asking("site.test", session)) as connection:
            found = ask(connection)
            assert connection.socket.session_reused
        assert found["environ"]["SSL_SESSION_RESUMED"] == "Resumed"
        assert found["environ"]["SSL_CLIENT_S_DN"] == "CN=carla,O=Shop"
        met.add(found["pid"])
        if len(met) == 2:
            break
    assert met == set(site.worker_pids())


def test_plain_http_is_told_what_is_wrong(site):
    answer = site.get("/")
    assert answer.status == 400
    assert "plain HTTP request" in answer.text


def test_a_unix_socket_speaks_tls_too(host, pairs, tmp_path):
    cert, key = pairs["site"]
    bind = f"unix:{tmp_path / 'socket'}"
    with host.start(APP, "--certfile", str(cert), "--keyfile", str(key), bind=bind) as server:
        with server.ready().connect(Secured(cert).asking("site.test")) as connection:
            found = ask(connection)["environ"]
        assert (found["wsgi.url_scheme"], found["REMOTE_ADDR"]) == ("https", "")


SETTINGS = """
import ssl

wsgi_app = "environ_dump:application"
certfile = "site/cert.pem"
keyfile = "site/key.pem"
ca_certs = "authority/cert.pem"
cert_reqs = ssl.CERT_REQUIRED
ssl_version = ssl.PROTOCOL_TLS_SERVER
ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"
do_handshake_on_connect = True
suppress_ragged_eofs = True
preload_app = True
"""
GUNICORN = Host("gunicorn", (sys.executable, "-m", "gunicorn"))


@pytest.mark.parametrize("program", [GUNICORN, *hosts()], ids=lambda program: program.name)
def test_a_file_of_gunicorn_serves_as_it_is(program, pairs, tmp_path):
    (tmp_path / "gunicorn.conf.py").write_text(SETTINGS)
    for name in ("site", "authority"):
        shutil.copytree(pairs[name][0].parent, tmp_path / name)
    environment = {"PYTHONPATH": str(WSGI_APPS), "HOME": str(tmp_path)}
    with program.start(workers=2, cwd=tmp_path, env=environment) as running:
        running.log.wait("Booting worker")
        for own in (pairs["carla"], None):
            client = Secured(pairs["site"][0], own=own, version=VERSIONS[0])
            try:
                with running.connect(client.asking("site.test")) as connection:
                    cipher, found = connection.socket.cipher()[0], ask(connection)["environ"]
            except (ssl.SSLError, ConnectionError, AssertionError):
                assert own is None
            else:
                assert own is not None
                assert cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"
                assert found["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("program", [GUNICORN, *hosts()], ids=lambda program: program.name)
def test_a_certificate_of_a_client_may_be_listed_itself(program, pairs, tmp_path):
    for name, listed in (("site", "site"), ("authority", "stranger")):
        shutil.copytree(pairs[listed][0].parent, tmp_path / name)
    (tmp_path / "gunicorn.conf.py").write_text(SETTINGS)
    environment = {"PYTHONPATH": str(WSGI_APPS), "HOME": str(tmp_path)}
    with program.start(workers=1, cwd=tmp_path, env=environment) as running:
        running.log.wait("Booting worker")
        for name, expected in (("stranger", True), ("authority", False), ("carla", False)):
            client = Secured(pairs["site"][0], own=pairs[name], version=VERSIONS[0])
            try:
                answer = running.get("/", secured=client.asking("site.test"))
            except (ssl.SSLError, ConnectionError, AssertionError):
                assert not expected
            else:
                assert expected
                assert answer.status == 200


def test_a_hook_that_makes_a_context_is_refused(host, tmp_path):
    hook = "def ssl_context(config, default_ssl_context_factory): pass\n"
    (tmp_path / "gunicorn.conf.py").write_text(hook)
    done = host.run("environ_dump", "--check-config", cwd=tmp_path)
    assert done.returncode == 1
    assert "gunicorn.conf.py:1" in done.stderr
    assert "`ssl_context`" in done.stderr
    assert "`certfile`" in done.stderr.partition("hint: ")[2]
