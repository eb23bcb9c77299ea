"""The files of a Django site, sent without Django."""

import json
import os
import shutil
import signal
import time

import pytest
from log import PATIENCE
from server import READY, closed_to_others

FOR_EVER = "public, max-age=31536000, immutable"
MANIFEST = {"paths": {"site.css": "site.55e7cbb9ba48.css"}, "version": "1.1", "hash": ""}


@pytest.fixture
def site(host, tmp_path):
    """Start the site with these arguments and settings of Django."""
    (tmp_path / "static").mkdir()
    (tmp_path / "uploads").mkdir()
    (tmp_path / "static" / "site.css").write_text("plain")
    (tmp_path / "static" / "site.55e7cbb9ba48.css").write_text("hashed")
    (tmp_path / "static" / "other.0123456789ab.css").write_text("not listed")
    (tmp_path / "static" / "staticfiles.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "uploads" / "page.html").write_text("<script>")

    def start(*arguments, workers=1, env=None, **overrides):
        environment = {"FILES": str(tmp_path), "OVERRIDES": json.dumps(overrides), **(env or {})}
        return host.start("django_files", *arguments, workers=workers, env=environment)

    return start


def until(server, path, expected):
    """Ask until this is the answer: directories are looked for a few times a second."""
    deadline = time.monotonic() + PATIENCE
    while (answer := server.get(path).text) != expected:
        assert time.monotonic() < deadline, answer


@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["plain", "preload"])
def test_static_files_are_sent_without_being_asked_for(site, tmp_path, arguments):
    with site(*arguments, workers=2) as server:
        server.ready()
        lines = server.log.wait(r"\[INFO\] Serving (\S+) from (\S+) \(Django's STATIC_ROOT\)")
        assert [line.groups() for line in lines] == [("/static/", str(tmp_path / "static"))]
        plain = server.get("/static/site.css")
        assert (plain.text, plain.header("Cache-Control")) == ("plain", "public, max-age=60")
        hashed = server.get("/static/site.55e7cbb9ba48.css")
        assert (hashed.text, hashed.header("Cache-Control")) == ("hashed", FOR_EVER)
        unlisted = server.get("/static/other.0123456789ab.css")
        assert unlisted.header("Cache-Control") == "public, max-age=60"
        assert server.get("/static/missing").status == 404
        assert server.get("/media/page.html").text == "django /media/page.html"
        assert server.get("/page").text == "django /page"
        assert server.log.text.count("[INFO] Serving ") == 1


HEADER = ("SCRIPT_NAME", "/shop")


@pytest.mark.parametrize(
    ("arguments", "overrides", "headers"),
    [
        (["--root-path", "/shop"], {}, []),
        ([], {}, [HEADER]),
        ([], {"FORCE_SCRIPT_NAME": "/shop"}, []),
        (["--root-path", "/shop"], {"FORCE_SCRIPT_NAME": "/shop"}, []),
        (["--root-path", "/shop", "--django-static=off", "--django-hosts"], {}, []),
    ],
    ids=["root path", "header", "forced", "both", "hosts alone"],
)
def test_links_are_those_of_the_site_and_lead_to_files(site, arguments, overrides, headers):
    media = {"MEDIA_URL": "media/"}
    with site("--django-media", *arguments, **overrides, **media) as server:
        server.ready()
        page = "/linked" if "FORCE_SCRIPT_NAME" in overrides and not arguments else "/shop/linked"

        def ask(path):
            return server.request("GET", path, headers=headers).text

        assert ask(f"{page}?name=site.css") == "/shop/static/site.css"
        assert ask("/shop/media/page.html") == "<script>"
        is_off = "--django-static=off" in arguments
        assert ask("/shop/static/site.css") == ("django /static/site.css" if is_off else "plain")
        if not headers and not is_off:  # from a proxy that takes the script name away
            assert ask("/static/site.css") == "plain"


def test_links_that_the_site_has_made_before_are_left_alone(site):
    with site("--root-path", "/shop", env={"LINK_EARLY": "site.css"}) as server:
        server.ready()
        assert server.get("/shop/linked?name=site.css").text == "/static/site.css"
        assert server.get("/static/site.css").text == "plain"


def test_uploads_are_sent_as_downloads_when_asked_for(site):
    with site("--django-media") as server:
        server.ready()
        page = server.get("/media/page.html")
        assert (page.text, page.header("Content-Disposition")) == ("<script>", "attachment")


@pytest.mark.parametrize(
    ("arguments", "overrides"),
    [
        (["--django-static=off"], {}),
        ([], {"MIDDLEWARE": ["django_files.left_to_whitenoise"]}),
        ([], {"env": {"WHITENOISE": "1"}}),
        ([], {"STATIC_URL": "https://cdn.example/"}),
        (["--django-static"], {"STATIC_ROOT": None}),
        ([], {"STATIC_ROOT": "/no/such/directory"}),
    ],
    ids=["off", "WhiteNoise", "WhiteNoise around", "elsewhere", "no root", "not collected"],
)
def test_static_files_are_left_to_others(site, arguments, overrides):
    with site(*arguments, **overrides) as server:
        server.ready()
        assert server.get("/static/site.css").text == "django /static/site.css"
        assert server.log.text.count("Not serving Django's STATIC_ROOT: it is not set") == (
            overrides == {"STATIC_ROOT": None}
        )
        assert server.log.text.count("is served as soon as it is there (`manage.py collect") == (
            overrides == {"STATIC_ROOT": "/no/such/directory"}
        )
        left = server.log.text.count("[INFO] Django's static files are left to WhiteNoise")
        assert left == ("MIDDLEWARE" in overrides or "env" in overrides)


def test_static_files_are_sent_where_whitenoise_is_only_installed(site):
    # Its commands for development, and its storage, which hashes names.
    apps = ["whitenoise.runserver_nostatic", "django.contrib.staticfiles"]
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    storages = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    noise = {"INSTALLED_APPS": apps, "STORAGES": {**storages, "staticfiles": storage}}
    with site(env={"LINK_EARLY": "site.css"}, **noise) as server:
        server.ready()
        assert server.get("/static/site.css").text == "plain"


def test_uploads_are_sent_as_soon_as_there_are_any(site, tmp_path):
    uploads = tmp_path / "later" / "uploads"
    with site("--django-media", MEDIA_ROOT=str(uploads)) as server:
        server.ready()
        server.log.wait(
            f"Django's MEDIA_ROOT `{uploads}` is served as soon as it is there, at /media/"
        )
        assert server.get("/media/page.html").text == "django /media/page.html"
        uploads.mkdir(parents=True)
        (uploads / "page.html").write_text("<script>")
        until(server, "/media/page.html", "<script>")


def test_static_files_that_are_collected_into_a_new_directory_are_sent(site, tmp_path):
    static = tmp_path / "static"
    with site("--static", f"/own={static}") as server:
        server.ready()
        for text, is_renamed in [("first", False), ("second", True)]:
            shutil.rmtree(static)
            until(server, "/static/site.css", "not found\n")
            made = tmp_path / "made" if is_renamed else static
            made.mkdir()
            (made / "site.css").write_text(text)
            made.rename(static)
            until(server, "/static/site.css", text)
            until(server, "/own/site.css", text)


def test_a_directory_that_cannot_be_entered_is_told_as_that(site, tmp_path):
    arguments = []
    if os.geteuid() == 0:
        if closed_to_others():
            pytest.skip("nobody but root can run the application")
        arguments = ["--user", "54321", "--group", "54322"]
    (tmp_path / "static").chmod(0)
    with site(*arguments) as server:
        server.ready()
        server.log.wait(
            r"\[WARNING\] Django's STATIC_ROOT `.*/static` cannot be entered, .*Permission denied"
        )
    (tmp_path / "static").chmod(0o755)


@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["plain", "preload"])
def test_each_reload_tells_once_what_is_served(site, arguments):
    with site("--django-hosts", *arguments, workers=2, ALLOWED_HOSTS=[]) as server:
        server.ready()
        for reloads in range(4):
            log = server.log.text
            assert log.count("[INFO] Serving /static/ from ") == reloads + 1
            assert log.count("[WARNING] `--django-hosts` changes nothing") == reloads + 1
            mark = server.log.mark()
            server.signal(signal.SIGHUP)
            server.log.wait("Reload complete", after=mark)
            server.log.wait(READY, after=mark, count=2)


def test_uploads_below_the_static_files_are_not_sent_as_these_before_there_are_any(site, tmp_path):
    uploads = tmp_path / "static" / "uploads"
    with site(MEDIA_ROOT=str(uploads)) as server:
        server.ready()
        server.log.wait("Not serving Django's STATIC_ROOT: `.*` holds MEDIA_ROOT too")
        uploads.mkdir()
        (uploads / "page.html").write_text("<script>")
        path = "/static/uploads/page.html"
        assert server.get(path).text == f"django {path}"


def test_what_is_asked_for_comes_before_whitenoise_and_while_debugging_before_django(site):
    noise = {"MIDDLEWARE": ["django_files.left_to_whitenoise"], "DEBUG": True}
    with site("--django-static", **noise) as server:
        server.ready()
        assert server.get("/static/site.css").text == "plain"
        assert server.get("/static/missing").text == "django /static/missing"


def test_other_hosts_than_those_of_django_are_refused_before_it_is_asked(site):
    hosts = [".example.org", "www.example.net"]
    with site("--django-hosts", "--allow-host", "127.0.0.1", ALLOWED_HOSTS=hosts) as server:
        server.ready()
        server.log.wait(r"Answering requests for \.example\.org, www\.example\.net \(Django's")

        def status(host):
            return server.request("GET", "/page", headers=[("Host", host)]).status

        good = ["example.org", "a.example.org:81", "www.example.net", "127.0.0.1"]
        assert [status(host) for host in good] == [200, 200, 200, 200]
        assert [status(host) for host in ["example.net", "localhost"]] == [421, 421]
        server.log.wait("`example.net` is no host of `allow_host` or Django's ALLOWED_HOSTS \\(421")


def test_a_host_that_django_does_not_allow_is_told_as_that(site):
    with site("--django-hosts", ALLOWED_HOSTS=["example.org"]) as server:
        server.ready()
        assert server.get("/page").status == 421
        server.log.wait("`localhost` is no host of Django's ALLOWED_HOSTS \\(421")


def test_an_empty_list_of_hosts_changes_nothing_and_is_told(site):
    with site("--django-hosts", ALLOWED_HOSTS=[]) as server:
        server.ready()
        server.log.wait("changes nothing: Django's ALLOWED_HOSTS is empty")
        assert server.get("/static/site.css").status == 200
