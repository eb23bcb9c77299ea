"""Put in place what the comparison needs: load generators, peers, and what the sites import.

The peers' versions are pinned here, so that two results of different days compare the same
programs. Django and what the demo site needs are pinned by `tests/requirements.txt`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError, environment
from sites import APPS, DEMO_FOLDER

if TYPE_CHECKING:
    from options import Options

GUNICORN = "gunicorn==27.0.1"
PACKAGES = {
    "gunicorn": [GUNICORN],
    "granian": ["granian==2.8.7"],
    "bjoern": ["bjoern==3.2.2"],
    # It imports pkg_resources, which later versions of setuptools no longer have.
    "fastwsgi": ["fastwsgi==0.0.9", "setuptools==80.9.0"],
    "gevent": ["gevent==26.9.0", "packaging==26.3", GUNICORN],
    "uwsgi": ["uwsgi==2.0.31"],
    "waitress": ["waitress==3.0.2"],
    "mod_wsgi": ["mod_wsgi==6.1.1"],
}
PROGRAMS = {"uwsgi": "uwsgi", "mod_wsgi": "mod_wsgi-express"}
"""What is no module that `python` can import: it has a program, and Apache or itself beside it."""
SITE_PACKAGES = ["django", "whitenoise", "--requirement", str(APPS / "requirements.txt")]
CONSTRAINTS = DEMO_FOLDER.parents[1] / "requirements.txt"
INSTALL_SECONDS = 600


def pinned_version(package: str) -> str:
    """Return the version of a peer that this comparison is made with."""
    return PACKAGES[package][0].partition("==")[2]


def program_version(program: Path, python: Path) -> str:
    """Return the line that `--version` prints in the environment of `python`, or why none."""
    try:
        done = subprocess.run(
            [program, "--version"],
            env=environment(python, {}),
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unknown ({error})"
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def prepare(options: Options, packages: Iterable[str]) -> dict[str, str]:
    """Install these peers, and return which of them cannot be measured, and why."""
    options.out.mkdir(parents=True, exist_ok=True)
    if options.install:
        install_system_packages()
        make_environment(options.peers_venv)
        install_site_packages(options)
    if shutil.which("wrk") is None:
        raise BenchError("`wrk` is missing: sudo apt-get install wrk")
    return {name: why for name in packages if (why := unusable_peer(name, options)) is not None}


def install_system_packages() -> None:
    """Install load generators and what compiles peers as root; else print the line that would."""
    header = any(Path("/usr/include", name).exists() for name in ("ev.h", "libev/ev.h"))
    wanted = {
        "wrk": shutil.which("wrk") is not None,
        "nghttp2-client": shutil.which("h2load") is not None,
        "libev-dev": header,
        "gcc": shutil.which("cc") is not None,
        "postgresql": Path("/usr/lib/postgresql").exists() or shutil.which("initdb") is not None,
    }
    absent = [package for package, there in wanted.items() if not there]
    if not absent:
        return
    install = ["install", "-y", "--no-install-recommends", *absent]
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        print("missing, and only root on Debian can have it installed from here:", flush=True)
        print(f"    sudo apt-get {' '.join(install)}", flush=True)
        return
    print(f"installing {', '.join(absent)} …", flush=True)
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "timeout": INSTALL_SECONDS}
    subprocess.run([apt, "update", "-qq"], check=False, **quiet)
    done = subprocess.run([apt, *install], capture_output=True, text=True, **quiet)
    if done.returncode != 0:
        print(f"apt-get failed: {done.stderr.strip()[-400:]}", flush=True)


def make_environment(venv: Path) -> None:
    """Create the peers' environment, anew when it was made by another Python than this one."""
    python = venv / "bin" / "python"
    question = [python, "-c", "import sys; print(sys.version)"]
    if python.exists():
        known = subprocess.run(question, capture_output=True, text=True, timeout=20)
        if known.stdout.strip() == sys.version.strip():
            return
    print("making the peers' environment …", flush=True)
    create = [sys.executable, "-m", "venv", "--clear", venv]
    subprocess.run(create, check=True, timeout=INSTALL_SECONDS)


def unusable_peer(name: str, options: Options) -> str | None:
    """Install one peer and try it; return why it cannot be measured, or None."""
    if name == "mod_wsgi" and not (shutil.which("apxs") and apache()):
        return "there is no Apache for it: sudo apt-get install apache2-bin apache2-dev"
    used = (Path(sys.base_prefix), APPS, options.peers_venv)
    if name == "mod_wsgi" and os.geteuid() == 0 and (closed := closed_folder(used)):
        return f"Apache serves as a user of its own, who may not enter {closed}"
    if options.install and not pip_install(PACKAGES[name], options):
        return f"{' '.join(PACKAGES[name])} does not install here (see {options.out}/pip.log)"
    folder = options.peers_venv / "bin"
    if not (folder / "python").exists():
        return f"no environment at {options.peers_venv}"
    if name in PROGRAMS:
        there = (folder / PROGRAMS[name]).exists()
        return None if there else f"no `{PROGRAMS[name]}` in {folder}"
    tried = subprocess.run(
        [folder / "python", "-c", f"import {name}"], capture_output=True, timeout=60
    )
    return None if tried.returncode == 0 else f"`import {name}` fails in {options.peers_venv}"


def install_site_packages(options: Options) -> None:
    """Install what the sites need beside the peers."""
    packages = ["--constraint", str(CONSTRAINTS), *SITE_PACKAGES]
    if not pip_install(packages, options):
        raise BenchError(f"the sites' packages do not install (see {options.out}/pip.log)")


def apache() -> str | None:
    """Find Apache, which Debian has out of the PATH of whoever is not root."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return shutil.which("apache2", path=path) or shutil.which("httpd", path=path)


def closed_folder(folders: Iterable[Path]) -> Path | None:
    """Return the first folder on the way to these that other users may not enter."""
    ways = (step for folder in folders for step in (folder, *folder.parents))
    return next((step for step in ways if step.exists() and not step.stat().st_mode & 1), None)


def pip_install(packages: list[str], options: Options) -> bool:
    """Install into the peers' environment; what pip said is kept in `pip.log`."""
    print(f"pip install {' '.join(packages)} …", flush=True)
    command = [options.peers_venv / "bin" / "python", "-m", "pip", "install", *packages]
    with (options.out / "pip.log").open("a") as log:
        done = subprocess.run(command, stdout=log, stderr=log, timeout=INSTALL_SECONDS)
    return done.returncode == 0
