"""The Django site of tests/apps/demo in a real browser, from rwsgi alone: HTTPS, HTTP/2, its style
sheets, uploads and downloads. Screenshots are kept in target/browser."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from certificate import certificate
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tests" / "apps" / "demo"
SHOTS = ROOT / "target" / "browser"
PASSWORD = "a password of the test"
UPLOAD = bytes(range(256)) * 400
# A picture of one pixel: browsers ask every site for /favicon.ico.
ICON = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

# Debian's Chromium as root, in a network that has nothing but this machine.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"]


@pytest.fixture(scope="module")
def site(host, tmp_path_factory):
    """The URL of the demo over HTTPS, with an administrator, and nothing in front."""
    folder = tmp_path_factory.mktemp("site")
    environment = {
        "SECRET_KEY": "a key of the test",
        "DATABASE_PATH": str(folder / "db.sqlite3"),
        "STATIC_ROOT": str(folder / "static"),
        "MEDIA_ROOT": str(folder / "media"),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    (folder / "media").mkdir()
    (folder / "public").mkdir()
    (folder / "public" / "favicon.ico").write_bytes(ICON)
    who = ["--username", "admin", "--email", "admin@localhost"]
    for command in (["migrate"], ["collectstatic"], ["createsuperuser", *who]):
        subprocess.run(
            [sys.executable, str(DEMO / "manage.py"), *command, "--no-input", "--verbosity", "0"],
            env=environment,
            check=True,
        )
    cert, key = certificate(folder)
    arguments = [
        *("mysite.wsgi:application", "--certfile", str(cert), "--keyfile", str(key)),
        *("--http-protocols", "h2,h1", "--django-static", "--django-media"),
        *("--static", f"/={folder / 'public'}", "--compress", "--hsts", "60"),
    ]
    with host.start(*arguments, workers=2, cwd=DEMO, env=environment) as server:
        server.ready()
        yield f"https://localhost:{server.address[1]}"


@pytest.fixture
def visitor(site):
    """A page of a new browser, which must have nothing to complain about in the end."""
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_context(ignore_https_errors=True, base_url=site).new_page()
        page.on("response", lambda answer: answer.status >= 400 and complaints.append(answer.url))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []


def shoot(page, name):
    """Keep what a person sees."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def log_in(page):
    """Come in as the administrator."""
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("#user-tools")


def test_the_admin_has_its_style_and_comes_over_http_2(visitor):
    log_in(visitor)
    shoot(visitor, "admin")
    color = visitor.evaluate("getComputedStyle(document.querySelector('#header')).backgroundColor")
    assert color != "rgba(0, 0, 0, 0)", "the style sheet of the admin has been loaded"
    entries = json.loads(
        visitor.evaluate(
            "JSON.stringify(performance.getEntries()"
            ".filter(it => it.nextHopProtocol !== undefined)"
            ".map(it => [it.name, it.nextHopProtocol]))"
        )
    )
    assert any(name.endswith("admin/css/base.css") for name, _ in entries), entries
    assert {protocol for _, protocol in entries} == {"h2"}, entries


def test_an_object_is_created(visitor):
    log_in(visitor)
    visitor.goto("/admin/guestbook/entry/add/")
    visitor.fill("#id_name", "Zo\xeb")
    visitor.fill("#id_message", "from a browser")
    visitor.click("input[name=_save]")
    visitor.wait_for_selector("ul.messagelist .success")
    shoot(visitor, "created")
    assert "Zo\xeb" in visitor.inner_text("#result_list")


def test_a_file_is_uploaded_and_comes_back_in_parts(visitor, site, tmp_path):
    log_in(visitor)
    path = tmp_path / "report.bin"
    path.write_bytes(UPLOAD)
    visitor.goto("/admin/guestbook/document/add/")
    visitor.fill("#id_title", "The report")
    visitor.set_input_files("#id_file", path)
    visitor.click("input[name=_save]")
    visitor.wait_for_selector("ul.messagelist .success")
    visitor.click("#result_list tbody th a")
    target = visitor.get_attribute("p.file-upload a", "href")
    shoot(visitor, "uploaded")
    assert target.startswith("/media/documents/report")
    part = visitor.evaluate(
        "async target => { const answer = await fetch(target, {headers: {Range: 'bytes=256-511'}});"
        " return [answer.status, answer.headers.get('content-range'),"
        " Array.from(new Uint8Array(await answer.arrayBuffer()))]; }",
        target,
    )
    assert part == [206, f"bytes 256-511/{len(UPLOAD)}", list(range(256))]
    fetched = subprocess.run(
        ["curl", "--silent", "--insecure", "--noproxy", "*", site + target],
        check=True,
        capture_output=True,
    )
    assert fetched.stdout == UPLOAD
