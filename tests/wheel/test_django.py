"""The Django site of tests/apps/demo, as a visitor meets it."""

import hashlib
import re
import subprocess
import sys

import pytest
from browser import Browser
from client import chunked
from server import APPS

DEMO = APPS / "demo"
PASSWORD = "a password of the test"  # noqa: S105
STYLE_SHEET = DEMO / "guestbook" / "static" / "guestbook" / "style.css"


@pytest.fixture(scope="module")
def server(host, tmp_path_factory):
    """The site with a database of its own, an administrator, and three workers."""
    folder = tmp_path_factory.mktemp("django")
    environment = {
        "SECRET_KEY": "a key of the test",
        "DATABASE_PATH": str(folder / "db.sqlite3"),
        "STATIC_ROOT": str(folder / "static"),
    }
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
    administrator = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    identity = ("--username", "admin", "--email", "admin@localhost", "--verbosity", "0")
    manage(environment | administrator, "createsuperuser", "--no-input", *identity)
    with host.start("mysite.wsgi:application", workers=3, cwd=DEMO, env=environment) as running:
        yield running.ready()


@pytest.fixture
def browser(server):
    """A new visitor."""
    return Browser(server)


def test_index(browser):
    page = browser.get("/")
    assert page.status == 200
    for link in re.findall(r'<li><a href="([^"]+)"', page.text):
        if "sleep" not in link:
            assert browser.get(link).status == (500 if link == "/fail/" else 200), link


def test_guest_book_writes_the_database(browser, server):
    page = browser.post("/entries/", {"name": "Zo\xeb", "message": "first <line>\nsecond"})
    assert page.status == 200
    assert "Zo\xeb" in page.text
    assert "first &lt;line&gt;" in page.text
    for _ in range(6):  # whichever worker answers
        assert "Zo\xeb" in Browser(server).get("/entries/").text


def test_a_form_without_the_csrf_token_is_refused(server):
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    response = server.request("POST", "/entries/", headers=headers, body=b"name=a&message=b")
    assert response.status == 403


def test_session(browser):
    counts = [re.search(r'id="visits">(\d+)', browser.get("/visits/").text)[1] for _ in range(4)]
    assert counts == ["1", "2", "3", "4"]


def test_login_and_logout(browser):
    assert "Log in</button>" in browser.get("/private/").text
    credentials = {"username": "admin", "password": PASSWORD, "next": "/private/"}
    assert "Hello <strong>admin</strong>" in browser.post("/accounts/login/", credentials).text
    assert "Hello <strong>admin</strong>" in browser.get("/private/").text


def test_a_wrong_password(browser):
    page = browser.post("/accounts/login/", {"username": "admin", "password": "wrong"})
    assert "correct username and password" in page.text


def test_admin(browser):
    credentials = {"username": "admin", "password": PASSWORD}
    assert "Site administration" in browser.post("/admin/login/?next=/admin/", credentials).text
    entry = {"name": "from the admin", "message": "text"}
    page = browser.post("/admin/guestbook/entry/add/", entry)
    assert "was added successfully" in page.text
    assert "from the admin" in page.text


@pytest.mark.parametrize("size", [10, 5 << 20], ids=["memory", "temporary file"])
def test_upload(browser, size):
    data = bytes(range(251)) * (size // 251 + 1)
    response = browser.post("/upload/", {}, file=("caf\xe9.bin", data))
    digest = hashlib.sha256(data).hexdigest()
    assert response.json == {"name": "caf\xe9.bin", "size": len(data), "sha256": digest}


def test_a_chunked_form_is_not_empty(browser, server):
    # Django reads nothing without CONTENT_LENGTH: then the token would be missing (403).
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)', browser.get("/entries/").text)[1]
    headers = [
        ("Cookie", f"csrftoken={browser.cookies['csrftoken']}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Transfer-Encoding", "chunked"),
    ]
    form = f"csrfmiddlewaretoken={token}&name=".encode()
    body = chunked(form, b"chunked&message=text")
    assert server.request("POST", "/entries/", headers=headers, body=body).status == 302
    assert "chunked" in browser.get("/entries/").text


def test_streaming_response(server):
    response = server.get("/stream/")
    assert response.framing == "chunked"
    assert response.text == "".join(f"line {number}\n" for number in range(1, 101))


def test_file_response(server):
    response = server.get("/download/")
    assert response.header("Content-Disposition") == 'attachment; filename="style.css"'
    assert response.header("Content-Length") == str(STYLE_SHEET.stat().st_size)
    assert response.body == STYLE_SHEET.read_bytes()


def test_json(server):
    response = server.get("/json/")
    assert response.header("Content-Type") == "application/json"
    assert response.json == {"message": "hello", "numbers": [1, 2, 3]}


def test_static_files(server):
    response = server.get("/static/guestbook/style.css")
    assert response.header("Content-Type").startswith("text/css")
    assert response.body == STYLE_SHEET.read_bytes()
    assert server.get("/static/admin/css/base.css").status == 200


def test_an_error_is_a_500_with_its_traceback_in_the_log(server):
    mark = server.log.mark()
    assert server.get("/fail/").status == 500
    server.log.wait("RuntimeError: this view fails on purpose", after=mark)


def test_head(server):
    response = server.request("HEAD", "/")
    assert (response.status, response.body) == (200, b"")


def test_an_unknown_host_is_refused(server):
    assert server.get("/", headers=[("Host", "evil.example")]).status == 400


def test_a_missing_secret_key_is_said_clearly(host):
    done = host.run("mysite.wsgi:application", "--bind", "127.0.0.1:0", cwd=DEMO)
    assert done.returncode == 4
    assert "SECRET_KEY is not set" in done.stderr


def manage(environment, *arguments):
    """Run manage.py to its end."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(
        command, cwd=DEMO, env={"PYTHONDONTWRITEBYTECODE": "1", **environment}, check=True
    )
