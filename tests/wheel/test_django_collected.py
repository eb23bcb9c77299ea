"""What `collectstatic` has gathered, in the clear and over TLS, and uploads beside it."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from email.utils import formatdate

import brotli
import pytest
import zstandard
from certificate import certificate
from secured import Secured
from server import WSGI_APPS

FOR_EVER = "public, max-age=31536000, immutable"
STYLE = "body { background: url('dot.png') }\n" + "p { color: #123456 }\n" * 500
PAGE = "<script>alert(1)</script>\n" * 100
LARGE = bytes(range(256)) * 8192  # more than is kept in memory
CODINGS = {"br": brotli.compress, "zst": zstandard.compress, "gz": gzip.compress}
COLLECT = """
import django_files
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
"""


class Site:
    """A site whose files have been collected, and how to ask it."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("source", "uploads"):
            (folder / name).mkdir()
        (folder / "source" / "site.css").write_text(STYLE)
        (folder / "source" / "dot.png").write_bytes(b"\x89PNG")
        (folder / "source" / "large.bin").write_bytes(LARGE)
        for name in ("page.html", "drawing.svg", "notes.txt"):
            (folder / "uploads" / name).write_text(PAGE)
        backends = {
            "default": "django.core.files.storage.FileSystemStorage",
            "staticfiles": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        }
        settings = {
            "STATICFILES_DIRS": [str(folder / "source")],
            "STORAGES": {name: {"BACKEND": backend} for name, backend in backends.items()},
        }
        self.environment = {"FILES": str(folder), "OVERRIDES": json.dumps(settings)}
        self.server = self.client = None
        self.collect()

    def collect(self):
        """Run `collectstatic`, and compress what it has made of the style sheet."""
        command = [sys.executable, "-c", COLLECT]
        environment = {"PYTHONDONTWRITEBYTECODE": "1", **self.environment}
        subprocess.run(command, cwd=WSGI_APPS, env=environment, check=True)
        for path in (self.folder / "static").glob("site.*.css"):
            for ending, compress in CODINGS.items():
                path.with_name(f"{path.name}.{ending}").write_bytes(compress(path.read_bytes()))

    def ask(self, path, method="GET", **headers):
        """The answer to a request with these headers."""
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.server.request(method, path, headers=fields, secured=self.client)

    def url(self, name):
        """Where the pages of the site say that this file is."""
        return self.ask(f"/linked?name={name}").text


@pytest.fixture(scope="module", params=["http", "https"])
def site(request, host, tmp_path_factory):
    """The site in the clear, and over TLS from a mold."""
    found, arguments = Site(tmp_path_factory.mktemp("site")), ["--django-media"]
    if request.param == "https":
        pair = certificate(found.folder / "pair")
        arguments += ["--preload", "--certfile", str(pair[0]), "--keyfile", str(pair[1])]
        found.client = Secured(pair[0])
    with host.start("django_files", *arguments, workers=2, env=found.environment) as server:
        found.server = server.ready()
        yield found


def test_what_pages_link_to_is_there_for_ever(site):
    url = site.url("site.css")
    style, dot = site.ask(url), site.ask(site.url("dot.png"))
    assert url != "/static/site.css"
    assert style.header("Content-Type") == "text/css; charset=utf-8"
    assert dot.header("Content-Type") == "image/png"
    assert style.header("Cache-Control") == dot.header("Cache-Control") == FOR_EVER
    assert style.header("X-Content-Type-Options") == "nosniff"
    assert site.url("dot.png").rpartition("/")[2] in style.text, "as Django has rewritten it"
    plain = site.ask("/static/site.css")
    assert (plain.text, plain.header("Cache-Control")) == (STYLE, "public, max-age=60")


@pytest.mark.parametrize(
    ("accepted", "coding", "decode"),
    [
        ("gzip, deflate, br, zstd", None, None),
        ("gzip", "gzip", gzip.decompress),
        ("br;q=1, gzip;q=0.5", "br", brotli.decompress),
        ("gzip;q=0.5, zstd", "zstd", zstandard.decompress),
        ("identity", None, bytes),
    ],
)
def test_the_client_gets_the_file_that_it_reads(site, accepted, coding, decode):
    url = site.url("site.css")
    plain, answer = site.ask(url), site.ask(url, Accept_Encoding=accepted)
    if decode is None:  # whichever it likes as much
        coding = answer.header("Content-Encoding")
        decode = {"br": brotli, "gzip": gzip, "zstd": zstandard}[coding].decompress
    assert answer.header("Content-Encoding") == coding
    assert decode(answer.body) == plain.body
    assert "Accept-Encoding" in answer.header("Vary")
    assert answer.header("Cache-Control") == FOR_EVER
    assert answer.header("Content-Type") == plain.header("Content-Type")
    assert (answer.header("ETag") == plain.header("ETag")) == (coding is None)
    tag = answer.header("ETag")
    again = site.ask(url, Accept_Encoding=accepted, If_None_Match=tag)
    assert (again.status, again.body, again.header("ETag")) == (304, b"", tag)


def test_what_has_not_changed_is_not_sent_again(site):
    first = site.ask("/static/large.bin")
    assert (first.status, first.body == LARGE) == (200, True)
    tag, date = first.header("ETag"), first.header("Last-Modified")
    for headers in ({"If_None_Match": f'"x", {tag}'}, {"If_Modified_Since": date}):
        again = site.ask("/static/large.bin", **headers)
        assert (again.status, again.body, again.header("ETag")) == (304, b"", tag)
    old = formatdate(0, usegmt=True)
    for headers in ({"If_None_Match": '"x"'}, {"If_Modified_Since": old}):
        assert site.ask("/static/large.bin", **headers).body == LARGE
    assert site.ask("/static/large.bin", If_Match='"x"').status == 412


RANGES = {
    "0-9": "0-9",
    "1000000-1999999": "1000000-1999999",
    "2097000-": "2097000-2097151",
    "-7": "2097145-2097151",
    "2097151-9999999": "2097151-2097151",
}


def test_a_download_goes_on_where_it_ended(site):
    for wanted, span in RANGES.items():
        part = site.ask("/static/large.bin", Range=f"bytes={wanted}")
        begin, _, end = span.partition("-")
        assert part.status == 206, wanted
        assert part.header("Content-Range") == f"bytes {span}/{len(LARGE)}"
        assert part.body == LARGE[int(begin) : int(end) + 1]
    beyond = site.ask("/static/large.bin", Range="bytes=9999999-")
    assert (beyond.status, beyond.header("Content-Range")) == (416, f"bytes */{len(LARGE)}")
    for known in (part.header("ETag"), part.header("Last-Modified")):
        part = site.ask("/static/large.bin", Range="bytes=0-9", If_Range=known)
        assert (part.status, part.body) == (206, LARGE[:10])
    whole = site.ask("/static/large.bin", Range="bytes=0-9", If_Range='"another"')
    assert (whole.status, whole.body == LARGE) == (200, True)


def test_several_parts_come_together(site):
    answer = site.ask("/static/large.bin", Range="bytes=0-9,1000000-1000009")
    kind, _, boundary = answer.header("Content-Type").partition("; boundary=")
    assert (answer.status, kind) == (206, "multipart/byteranges")
    before, *parts, after = answer.body.split(f"--{boundary}".encode())
    assert (before.strip(), after.strip()) == (b"", b"--")
    heads, bodies = zip(*(part[:-2].split(b"\r\n\r\n", 1) for part in parts), strict=True)
    assert bodies == (LARGE[:10], LARGE[1_000_000:1_000_010])
    for head, span in zip(heads, ("0-9", "1000000-1000009"), strict=True):
        assert f"bytes {span}/{len(LARGE)}".encode() in head


def test_files_are_only_read(site):
    for path in ("/static/site.css", "/static/large.bin"):
        answer, head = site.ask(path), site.ask(path, "HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control"):
            assert head.header(name) == answer.header(name)
        refused = site.ask(path, "POST")
        assert (refused.status, refused.header("Allow")) == (405, "GET, HEAD")


def test_uploads_do_not_act_in_the_site(site):
    found = {name: site.ask(f"/media/{name}") for name in os.listdir(site.folder / "uploads")}
    assert {name: answer.header("Content-Disposition") for name, answer in found.items()} == {
        "page.html": "attachment",
        "drawing.svg": "attachment",
        "notes.txt": None,
    }
    for answer in found.values():
        assert answer.text == PAGE
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert "immutable" not in answer.header("Cache-Control")
    assert site.ask("/media/page.html", Range="bytes=0-7").text == "<script>"


def test_files_that_are_collected_anew_count_after_a_reload(site):
    before = site.url("site.css")
    source = site.folder / "source" / "site.css"
    source.write_text(STYLE + "p { color: red }\n")
    # Django goes by whole seconds.
    os.utime(source, (time.time() + 2,) * 2)
    site.collect()
    mark = site.server.log.mark()
    site.server.signal(signal.SIGHUP)
    site.server.log.wait(r"Worker \(pid:\d+\) exited with code 0", after=mark, count=2)
    after = site.url("site.css")
    assert after != before
    new = site.ask(after)
    assert (new.text.endswith("red }\n"), new.header("Cache-Control")) == (True, FOR_EVER)
    assert site.ask(after, Accept_Encoding="br").header("Content-Encoding") == "br"
    assert site.ask(before).status == 200, "pages that were sent before still need it"
