"""The workloads: which application, which request, and what a right answer is."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEMO = HERE.parents[1] / "tests" / "apps" / "demo"

BROWSER_HEADERS = {
    "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-GB,en;q=0.7",
    "Referer": "http://localhost/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
"""A Django request without them would be cheaper than any that a site really gets."""


@dataclass(frozen=True)
class Workload:
    """One application under one kind of request.

    `wrong(status, body)` says in words what is wrong with an answer, or None when nothing is.
    """

    name: str
    title: str
    folder: Path
    application: str
    path: str
    wrong: Callable[[int, bytes], str | None]
    headers: dict[str, str] = field(default_factory=dict)

    def environment(self, out: Path) -> dict[str, str]:
        """Give the variables that the application reads; the demo site keeps its data in `out`."""
        if self.folder != DEMO:
            return {}
        return {
            "SECRET_KEY": "only-for-the-benchmark-" + "0" * 40,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DATABASE_PATH": str(out / "demo.sqlite3"),
        }


def wrong_hello(status: int, body: bytes) -> str | None:
    """Judge an answer of `apps/hello.py`."""
    if (status, body) == (200, b"Hello, World!\n"):
        return None
    return f"expected 200 and the greeting, got {status} and {body[:80]!r}"


def wrong_json(status: int, body: bytes) -> str | None:
    """Judge an answer of the demo site's JSON page: its wording is the site's own business."""
    try:
        decoded = json.loads(body) if status == 200 else None
    except ValueError:
        decoded = None
    if isinstance(decoded, dict) and decoded:
        return None
    return f"expected 200 and a JSON object, got {status} and {body[:80]!r}"


def wrong_echo(status: int, body: bytes) -> str | None:
    """Judge the answer of `apps/echo.py` to an empty body."""
    return None if (status, body) == (200, b"") else f"expected 200 and nothing, got {status}"


HELLO = Workload("hello", "hello", HERE / "apps", "hello:application", "/", wrong_hello)
DJANGO = Workload(
    name="django",
    title="Django JsonResponse, default middleware",
    folder=DEMO,
    application="mysite.wsgi:application",
    path="/json/",
    wrong=wrong_json,
    headers=BROWSER_HEADERS,
)
ECHO = Workload("echo", "1 MiB up and down", HERE / "apps", "echo:application", "/", wrong_echo)

WORKLOADS = {workload.name: workload for workload in (HELLO, DJANGO)}
"""What is put under load by wrk. `ECHO` is the memory check's, see `flat`."""
