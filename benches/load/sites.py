"""What is served: an application, the folder it is found in, and what it reads from outside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from postgres import CLUSTER
from session import BenchError, environment

if TYPE_CHECKING:
    from options import Options

HERE = Path(__file__).resolve().parent
APPS = HERE / "apps"
SHOP_FOLDER = APPS / "shop"
DEMO_FOLDER = HERE.parents[1] / "tests" / "apps" / "demo"


@dataclass(frozen=True)
class Site:
    """One application. `environment(out)` gives the variables that it reads.

    Its data lie in `out`, the folder of the results; `prepare(options)` lays them, and `finish()`
    ends what that has started.
    """

    folder: Path
    application: str
    environment: Callable[[Path], dict[str, str]] = lambda _: {}
    prepare: Callable[[Options], None] = lambda _: None
    finish: Callable[[], None] = lambda: None


def demo_environment(out: Path) -> dict[str, str]:
    """Give the settings of the demo site."""
    return {
        "SECRET_KEY": "only-for-the-benchmark-" + "0" * 40,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_PATH": str(out / "demo.sqlite3"),
    }


def shop_environment(out: Path) -> dict[str, str]:
    """Give the settings of the shop on SQLite."""
    return {"DATABASE_PATH": str(out / "shop.sqlite3"), **SHOP_SETTINGS}


def postgres_environment(_: Path) -> dict[str, str]:
    """Give the settings of the shop on PostgreSQL, once that runs."""
    return {"DATABASE_PORT": str(CLUSTER.port), **SHOP_SETTINGS}


def files_environment(out: Path) -> dict[str, str]:
    """Say which file is sent."""
    return {"BENCH_FILE": str(out / "file.bin")}


def write_file(options: Options) -> None:
    """Write the file that is sent."""
    options.out.mkdir(parents=True, exist_ok=True)
    Path(files_environment(options.out)["BENCH_FILE"]).write_bytes(FILE)


def with_postgres(options: Options) -> None:
    """Start PostgreSQL and lay the shop's tables in it."""
    CLUSTER.start()
    migrate(SHOP_FOLDER, postgres_environment(options.out), options)


def migrate(folder: Path, variables: dict[str, str], options: Options) -> None:
    """Lay the tables of a Django site. Raises `BenchError` when its packages are nowhere."""
    python = options.site_python
    settings = {"DJANGO_SETTINGS_MODULE": "mysite.settings", **variables}
    done = subprocess.run(
        [python, "-m", "django", "migrate", "--verbosity", "0"],
        cwd=folder,
        env={**environment(python, settings), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise BenchError(f"`migrate` fails in {folder.name}: {done.stderr.strip()[-400:]}")


SHOP_SETTINGS = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
FILE = bytes(range(256)) * 40960
"""10 MiB."""

HELLO_SITE = Site(APPS, "hello:application")
ECHO_SITE = Site(APPS, "echo:application")
BODIES_SITE = Site(APPS, "bodies:application", files_environment, write_file)
DEMO_SITE = Site(
    DEMO_FOLDER,
    "mysite.wsgi:application",
    demo_environment,
    lambda options: migrate(DEMO_FOLDER, demo_environment(options.out), options),
)
SHOP_SITE = Site(
    SHOP_FOLDER,
    "shop.wsgi:application",
    shop_environment,
    lambda options: migrate(SHOP_FOLDER, shop_environment(options.out), options),
)
POSTGRES_SITE = Site(
    SHOP_FOLDER, "shop.wsgi:application", postgres_environment, with_postgres, CLUSTER.finish
)


def expect(wanted: bytes) -> Callable[[int, bytes], str | None]:
    """Make a judgement of answers that must be these bytes."""

    def wrong(status: int, body: bytes) -> str | None:
        if (status, body) == (200, wanted):
            return None
        return (
            f"expected 200 and {len(wanted)} bytes, {wanted[:30]!r}, got {status} and"
            f" {len(body)} bytes, {body[:80]!r}"
        )

    return wrong


def wrong_json(status: int, body: bytes) -> str | None:
    """Judge an answer of the demo site's JSON page: its wording is the site's own business."""
    try:
        decoded = json.loads(body) if status == 200 else None
    except ValueError:
        decoded = None
    if isinstance(decoded, dict) and decoded:
        return None
    return f"expected 200 and a JSON object, got {status} and {body[:80]!r}"


def wrong_shop(status: int, body: bytes) -> str | None:
    """Judge the list of items."""
    if status == 200 and body.count(b"<td>Item ") == 12:
        return None
    return f"expected 200 and 12 items, got {status} and {body[:80]!r}"
