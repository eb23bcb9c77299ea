"""What rwsgi does without Python, or before it, and what others must be told to do the same."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

from launch import Launch, Question
from marks import MARKS, Site, configured, settings_file
from scene import Scene
from session import BenchError
from sites import APPS

from . import certificates
from .stage import Words

if TYPE_CHECKING:
    from launch import Answer
    from options import Options
    from servers import Server
    from session import Session

HELLO = "hello:application"
PUBLIC = "public"
"""The folder of the files, below that of the results."""
CHANGED = 1_700_000_000
"""When the files were changed, in seconds since 1970."""
SHEET = b"".join(b".rule-%04d { margin: 0 }\n" % number for number in range(820))[:20480]
LARGE = bytes(range(256)) * 8192
"""2 MiB: beyond what rwsgi keeps in memory."""
FILES = {"style.css": SHEET, "style.css.gz": gzip.compress(SHEET, mtime=0), "large.css": LARGE}
HELLO_BY_NGINX = r'location / { return 200 "Hello, World!\n"; }'
NO_WORDS = Words()
FILES_BY_NGINX = """location /static/ {{
            alias {folder}/;
            add_header Cache-Control "public, max-age=60";
            add_header X-Content-Type-Options nosniff;
            add_header Vary Accept-Encoding;
        }}"""
TLS_BY_NGINX = """ssl_certificate {one.certificate};
        ssl_certificate_key {one.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        """
HEADERS = {
    "accept-ranges": "bytes",
    "cache-control": "max-age=60, public",
    "content-type": "text/css; charset=utf-8",
    "last-modified": formatdate(CHANGED, usegmt=True),
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
}
"""What everybody is to send with the style sheet, beside an ETag and the length."""
OF_THE_CONNECTION = {"server", "date", "connection", "keep-alive"}


@dataclass(frozen=True)
class Service:
    """What is asked, and what each server must be told so that it answers.

    `peers` answer it beside rwsgi; those that run Python run `application`. `files` tells that it
    is about files, `kind` which certificate there is, if any. `words` are what servers are told
    beside that, `listen` what nginx's socket is told. `headers` must be there, and no others; None:
    any.
    """

    question: Question
    peers: tuple[str, ...] = ()
    application: str = HELLO
    files: bool = False
    kind: str | None = None
    words: Words = NO_WORDS
    listen: str = ""
    headers: dict[str, str] | None = None

    def applies(self, server: Server) -> str | None:
        """Leave out who is not named."""
        known = server.name in self.peers or not server.is_peer
        return None if known else "not compared here"

    def launch(self, options: Options, server: Server, scene: str) -> Launch:
        """Return how a server is started; nginx has no address yet."""
        public = options.out / PUBLIC
        given = self.words.to(server)
        one = certificates.Pair(self.kind, options.out) if self.kind else None
        if server.name in MARKS:
            given = ("-c", str(settings_file(server, scene, options)))
        elif one is not None:
            given = (*certificate_words(one).to(server), *given)
        if self.files and not server.is_peer:
            given = (*given, "--static", f"/static={public}")
        return Launch(
            APPS,
            self.application if server.is_peer else HELLO,
            self.question,
            {"BENCH_PUBLIC": str(public)} if self.files else {},
            core=options.pin,
            arguments=given,
            certificate=one.certificate if one else None,
        )

    def ready(self, options: Options, server: Server, scene: str) -> Launch:
        """Return the same, with the settings of an nginx in their file."""
        launch = self.launch(options, server, scene)
        if server.name not in MARKS:
            return launch
        directives = HELLO_BY_NGINX
        if self.files:
            directives = FILES_BY_NGINX.format(folder=options.out / PUBLIC)
        if self.kind:
            pair = certificates.Pair(self.kind, options.out)
            directives = TLS_BY_NGINX.format(one=pair) + directives
        file = settings_file(server, scene, options)
        return configured(launch, server, file, Site(self.listen, directives))

    def prepare(self, options: Options) -> None:
        """Lay the files and make the certificate."""
        if self.files:
            lay_files(options.out / PUBLIC)
        if self.kind:
            certificates.make(certificates.Pair(self.kind, options.out))

    def check(self, session: Session) -> None:
        """Raise `BenchError` when status, body or headers are not those that everybody sends."""
        session.check()
        if self.headers is None:
            return
        answer = self.question.answer(session.address, certificate=session.launch.certificate)
        wrong = differing(self.headers, answer)
        if wrong:
            raise BenchError(f"{session.server.name}: {self.question.path}: {wrong}")


class Served(Scene):
    """A scene in which everybody answers the same request without Python, or over TLS."""

    service: Service

    def applies(self, server: Server) -> str | None:
        """Leave out who cannot do it, and of whom it says nothing."""
        return self.service.applies(server)

    def prepare(self, options: Options) -> None:
        """Lay what the service needs."""
        self.service.prepare(options)

    def started(self, options: Options, server: Server) -> Launch:
        """Start each server in its own words."""
        return self.service.launch(options, server, self.name)


def certificate_words(one: certificates.Pair) -> Words:
    """Say where the certificate is."""
    files = str(one.certificate), str(one.key)
    usual = ("--certfile", files[0], "--keyfile", files[1])
    granian = ("--ssl-certificate", files[0], "--ssl-keyfile", files[1])
    return Words(rwsgi=usual, gunicorn=usual, granian=granian)


def lay_files(folder: Path) -> None:
    """Write the files, all of the same age."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (CHANGED, CHANGED))


def differing(wanted: dict[str, str], answer: Answer) -> str | None:
    """Say how the headers of an answer differ from those that are wanted, whatever their order.

    An ETag of any kind must be there, and the right length.
    """
    found = {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() not in OF_THE_CONNECTION
    }
    if not found.pop("etag", "").endswith('"'):
        return "it has no ETag"
    directives = found.get("cache-control", "").split(",")
    found["cache-control"] = ", ".join(sorted(one.strip() for one in directives))
    found["content-type"] = found.get("content-type", "").replace('"', "")
    wanted = {**wanted, "content-length": str(len(answer.body))}
    wrong = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )
    return (
        "; ".join(
            f"{name}: {found.get(name)!r}, {wanted.get(name)!r} was expected" for name in wrong
        )
        or None
    )
