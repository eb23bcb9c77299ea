"""The workloads that a load generator drives: which site, which request, which load."""

from __future__ import annotations

import dataclasses

import h2load
from launch import Question
from servers import CHUNKED, KEEP_ALIVE, THREADS, WORKERS
from sites import (
    BODIES_SITE,
    DEMO_SITE,
    FILE,
    HELLO_SITE,
    POSTGRES_SITE,
    SHOP_SITE,
    expect,
    wrong_json,
    wrong_shop,
)
from workload import Workload

BROWSER_HEADERS = {
    "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-GB,en;q=0.7",
    "Referer": "http://localhost/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
"""A Django request without them would be cheaper than any that a site really gets."""

GREETING = Question("/", expect(b"Hello, World!\n"))
CLOSING = dataclasses.replace(GREETING, headers={"Connection": "close"})
JSON = Question("/json/", wrong_json, headers=BROWSER_HEADERS)
ITEMS = Question("/", wrong_shop, headers=BROWSER_HEADERS)
STOCK = Question("/stock/", wrong_json, headers=BROWSER_HEADERS)
SLEEP = Question("/sleep", expect(b"slept"))
PAGE = Question("/page", expect(bytes(range(256)) * 4096))
DOWNLOAD = Question("/file", expect(FILE))
CHUNKS = Question("/chunks", expect(bytes(range(256)) * 4000))
FIELDS = b"&".join(b"field%d=%s" % (number, b"value+%21" * 14) for number in range(16))
FORM = Question(
    "/form",
    expect(b"16"),
    "POST",
    {"Content-Type": "application/x-www-form-urlencoded", **BROWSER_HEADERS},
    FIELDS,
)
FEW = ("fastwsgi", "bjoern", "granian-bt1", "granian", "gunicorn-gthread")
"""One of each kind that keeps connections open."""
MANY = (*FEW, "gunicorn-sync", "uwsgi")
VARIANTS = ("fastwsgi", "granian-bt1", "gunicorn-gthread", "uwsgi")
"""For variants of what is compared with more."""
THREADED = ("granian", "gunicorn-gthread", "uwsgi", "waitress")
"""The peers that let one choose the number of threads."""


def hello(name: str, title: str, group: str, **more) -> Workload:
    """Make a workload of the smallest application."""
    return Workload(name, title, group, HELLO_SITE, **{"question": GREETING, **more})


HELLO = hello(
    "hello",
    "hello",
    "hello",
    short=True,
    short_peers=("fastwsgi", "bjoern", "granian-bt1", "gunicorn-gthread"),
)
DJANGO = Workload(
    name="django",
    title="Django JsonResponse, default middleware",
    group="django",
    site=DEMO_SITE,
    question=JSON,
    has_floor=True,
    short=True,
    peers=(*MANY, "gunicorn-gevent", "mod-wsgi"),
    short_peers=("bjoern", "granian-bt1", "gunicorn-sync"),
)
ROWS = dataclasses.replace(
    DJANGO,
    name="django-rows",
    title="Django, 12 rows of SQLite through a template",
    site=SHOP_SITE,
    question=ITEMS,
    peers=("fastwsgi", "bjoern", "granian-bt1", "granian", "gunicorn-sync", "uwsgi"),
    short_peers=("granian-bt1",),
)


def connections(count: int) -> Workload:
    """Make the hello of a few or of many connections."""
    name, title = f"hello-c{count}", f"hello, {count} connection{'s' if count > 1 else ''}"
    needs = frozenset({KEEP_ALIVE})
    return hello(name, title, "hello-connections", connections=count, needs=needs, peers=VARIANTS)


def django_threads(count: int) -> Workload:
    """Make the Django workload with more Python threads than the processor has use for."""
    return dataclasses.replace(
        DJANGO,
        name=f"django-t{count}",
        title=f"Django JsonResponse, {count} Python threads",
        group="threads",
        threads=count,
        has_floor=False,
        needs=frozenset({THREADS}),
        peers=THREADED,
        short_peers=(),
    )


def postgres_threads(count: int) -> Workload:
    """Make the workload that mostly waits for a database."""
    return Workload(
        name=f"postgres-t{count}",
        title=f"Django, 12 rows of PostgreSQL after 5 ms of waiting in it, {count} Python threads",
        group="postgres",
        site=POSTGRES_SITE,
        question=STOCK,
        threads=count,
        about="rate",
        peers=("granian-bt1", *THREADED),
        needs=frozenset({THREADS}) if count > 1 else frozenset(),
    )


def upload(mebibytes: int, chunked: bool) -> Workload:
    """Make the workload of large bodies up."""
    size = mebibytes << 20
    short = mebibytes == 10 and not chunked
    how = "in chunks" if chunked else "with a length"
    return Workload(
        name=f"upload-{mebibytes}m{'-chunked' if chunked else ''}",
        title=f"upload of {mebibytes} MiB {how}, 4 connections",
        group="uploads",
        site=BODIES_SITE,
        question=Question(
            "/upload", expect(str(size).encode()), "POST", body=FILE[:size], chunked=chunked
        ),
        connections=4,
        peers=MANY if mebibytes == 10 else VARIANTS,
        needs=frozenset({CHUNKED}) if chunked else frozenset(),
        short=short,
        short_peers=("granian", "uwsgi", "gunicorn-sync"),
    )


def download(name: str, title: str, question: Question, **more) -> Workload:
    """Make a workload of large bodies down."""
    return Workload(
        name, title, "downloads", BODIES_SITE, question, connections=4, peers=MANY, **more
    )


WORKLOADS = (
    HELLO,
    hello(
        "hello-w2",
        "hello, 2 workers",
        "hello",
        workers=2,
        about="rate",
        needs=frozenset({WORKERS}),
        short=True,
        short_peers=("granian", "granian-bt1", "gunicorn-sync", "gunicorn-gthread"),
    ),
    hello(
        "hello-close",
        "hello, a connection for each request",
        "hello",
        question=CLOSING,
        short=True,
        peers=(*MANY, "mod-wsgi"),
        short_peers=("bjoern", "uwsgi", "granian-bt1", "gunicorn-sync"),
    ),
    DJANGO,
    ROWS,
    django_threads(4),
    django_threads(16),
    Workload(
        name="sleep-t16",
        title="a view that sleeps for 20 ms, 16 Python threads",
        group="threads",
        site=BODIES_SITE,
        question=SLEEP,
        threads=16,
        about="rate",
        needs=frozenset({THREADS}),
        short=True,
        peers=THREADED,
        short_peers=("granian",),
    ),
    upload(10, chunked=False),
    download(
        "download-file",
        "download of 10 MiB through `wsgi.file_wrapper`, 4 connections",
        DOWNLOAD,
        short=True,
        short_peers=("bjoern", "granian-bt1", "gunicorn-gthread"),
    ),
    download(
        "download-chunks",
        "download of 1,000 chunks of 1 KiB, 4 connections",
        CHUNKS,
        short=True,
        short_peers=("fastwsgi", "granian", "uwsgi"),
    ),
    download("download-bytes", "download of 1 MiB at once, 4 connections", PAGE),
    hello("hello-core", "hello, kept on one core", "hello", one_core=True, peers=FEW),
    hello(
        "hello-h2load",
        "hello, loaded by h2load",
        "hello-connections",
        load=h2load.load,
        needs=frozenset({KEEP_ALIVE}),
        peers=("fastwsgi", "bjoern", "granian-bt1", "gunicorn-gthread"),
    ),
    hello(
        "hello-close-c1",
        "hello, a connection for each request, one after the other",
        "hello-connections",
        question=CLOSING,
        connections=1,
        peers=VARIANTS,
    ),
    connections(1),
    connections(8),
    connections(512),
    postgres_threads(1),
    postgres_threads(4),
    postgres_threads(16),
    Workload("form", "POST of a form of 2 KiB", "uploads", BODIES_SITE, FORM, peers=VARIANTS),
    upload(1, chunked=False),
    upload(1, chunked=True),
    upload(10, chunked=True),
)
