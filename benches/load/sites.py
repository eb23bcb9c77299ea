"""What is served: an application, the folder it is found in, and what it reads from outside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError, environment

if TYPE_CHECKING:
    from options import Options

HERE = Path(__file__).resolve().parent
APPS = HERE / "apps"
DEMO_FOLDER = HERE.parents[1] / "tests" / "apps" / "demo"


@dataclass(frozen=True)
class Site:
    """One application. `environment(out)` gives the variables that it reads.

    Its data lie in `out`, the folder of the results; `prepare(options)` lays them.
    """

    folder: Path
    application: str
    environment: Callable[[Path], dict[str, str]] = lambda _: {}
    prepare: Callable[[Options], None] = lambda _: None


def demo_environment(out: Path) -> dict[str, str]:
    """Give the settings of the demo site."""
    return {
        "SECRET_KEY": "only-for-the-benchmark-" + "0" * 40,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_PATH": str(out / "demo.sqlite3"),
    }


def migrate(options: Options) -> None:
    """Lay the demo site's database. Raises `BenchError` when its packages are nowhere."""
    python = options.site_python
    done = subprocess.run(
        [python, "manage.py", "migrate", "--verbosity", "0"],
        cwd=DEMO_FOLDER,
        env=environment(python, demo_environment(options.out)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise BenchError(f"the demo site does not migrate: {done.stderr.strip()[-400:]}")


HELLO_SITE = Site(APPS, "hello:application")
ECHO_SITE = Site(APPS, "echo:application")
DEMO_SITE = Site(DEMO_FOLDER, "mysite.wsgi:application", demo_environment, migrate)


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
