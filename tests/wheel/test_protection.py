"""A Django site with what is refused before Python: hosts, paths, passwords tried too often."""

import re
import subprocess
import sys

import pytest
from browser import Browser
from server import APPS

DEMO = APPS / "demo"
PASSWORD = "a password of the test"  # noqa: S105
OPTIONS = (
    "--rate-limit=500r/s",
    "--rate-limit-path=POST:/admin/login/=1r/h,burst=3",
    "--deny-path=*.php,/.env,wp-*",
    "--allow-host=localhost,.example.com",
    "--header=X-Frame-Options: SAMEORIGIN",
    "--header=Permissions-Policy: camera=()",
)


@pytest.fixture(scope="module")
def server(host, tmp_path_factory):
    """The site with an administrator and three workers."""
    folder = tmp_path_factory.mktemp("protected")
    environment = {
        "SECRET_KEY": "a key of the test",
        "DATABASE_PATH": str(folder / "db.sqlite3"),
        "STATIC_ROOT": str(folder),
        "ALLOWED_HOSTS": "localhost,.example.com",
    }
    administrator = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    identity = ("--username", "admin", "--email", "admin@localhost", "--verbosity", "0")
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment | administrator, "createsuperuser", "--no-input", *identity)
    application = ("mysite.wsgi:application", *OPTIONS)
    with host.start(*application, workers=3, cwd=DEMO, env=environment) as running:
        yield running.ready()


def manage(environment, *arguments):
    """Run a command of the site."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=DEMO, env=environment, check=True)


def test_a_password_can_be_tried_three_times(server):
    def log_in(password):
        credentials = {"username": "admin", "password": password}
        return Browser(server).post("/admin/login/?next=/admin/", credentials)

    assert [log_in("wrong").status for _ in range(2)] == [200, 200]
    assert "Site administration" in log_in(PASSWORD).text
    refused = log_in(PASSWORD)
    assert refused.status == 429
    assert 3500 <= int(refused.header("Retry-After")) <= 3600
    assert "username" in Browser(server).get("/admin/login/").text
    found = re.findall("Too many requests", server.log.text)
    assert len(found) == 1, server.log.text


def test_paths_of_other_systems_are_not_there(server):
    for path in ("/wp-login.php", "/%2eenv", "/x/../.env", "//xmlrpc.php", "/old/wp-admin/"):
        response = server.get(path)
        assert (response.status, response.header("X-Frame-Options")) == (404, "SAMEORIGIN"), path
    assert server.get("/").status == 200


def test_other_hosts_never_reach_python(server):
    with server.connect() as connection:
        for host, status in (("www.example.com", 200), ("example.net", 421), ("localhost:80", 200)):
            connection.send(f"GET /json/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert connection.response().status == status, host


def test_headers_stand_beside_those_of_django(server):
    page, refused = server.get("/json/"), server.get("/.env")
    assert page.all("X-Frame-Options") == ["DENY"]
    assert refused.all("X-Frame-Options") == ["SAMEORIGIN"]
    assert page.all("Permissions-Policy") == refused.all("Permissions-Policy") == ["camera=()"]
