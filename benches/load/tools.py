"""Put in place what the comparison needs: wrk, the peers in an environment of their own, Django.

The peers' versions are pinned here, so that two results of different days compare the same
programs. Django and what the demo site needs are pinned by `tests/requirements.txt`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from session import BenchError, environment
from sites import DEMO_SITE

if TYPE_CHECKING:
    from options import Options

PEERS = {
    "gunicorn": ["gunicorn==27.0.1"],
    "granian": ["granian==2.8.7"],
    "bjoern": ["bjoern==3.2.2"],
    # It imports pkg_resources, which later versions of setuptools no longer have.
    "fastwsgi": ["fastwsgi==0.0.9", "setuptools==80.9.0"],
    "gevent": ["gevent==26.9.0", "gunicorn==27.0.1"],
    "waitress": ["waitress==3.0.2"],
}
DEMO_PACKAGES = ["django", "whitenoise"]
CONSTRAINTS = DEMO_SITE.folder.parents[1] / "requirements.txt"
INSTALL_SECONDS = 600


def pinned_version(package: str) -> str:
    """Return the version of a peer that this comparison is made with."""
    return PEERS[package][0].partition("==")[2]


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


def prepare(options: Options) -> dict[str, str]:
    """Install what is missing; return which peers cannot be measured, and why."""
    options.out.mkdir(parents=True, exist_ok=True)
    if options.install:
        install_system_packages()
        make_environment(options.peers_venv)
        install_demo(options)
    if shutil.which("wrk") is None:
        raise BenchError("`wrk` is missing: sudo apt-get install wrk")
    return {name: why for name in PEERS if (why := unusable_peer(name, options)) is not None}


def install_system_packages() -> None:
    """Install wrk and what compiles bjoern as root; else print the line that would."""
    header = any(Path("/usr/include", name).exists() for name in ("ev.h", "libev/ev.h"))
    wanted = {
        "wrk": shutil.which("wrk") is not None,
        "libev-dev": header,
        "gcc": shutil.which("cc") is not None,
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
    """Install one peer and import it; return why it cannot be measured, or None."""
    if options.install and not pip_install(PEERS[name], options):
        return f"{' '.join(PEERS[name])} does not install here (see {options.out}/pip.log)"
    python = options.peers_venv / "bin" / "python"
    if not python.exists():
        return f"no environment at {options.peers_venv}"
    tried = subprocess.run([python, "-c", f"import {name}"], capture_output=True, timeout=60)
    return None if tried.returncode == 0 else f"`import {name}` fails in {options.peers_venv}"


def install_demo(options: Options) -> None:
    """Install the demo site's packages beside the peers."""
    packages = ["--constraint", str(CONSTRAINTS), *DEMO_PACKAGES]
    if not pip_install(packages, options):
        raise BenchError(f"the demo site's packages do not install (see {options.out}/pip.log)")


def pip_install(packages: list[str], options: Options) -> bool:
    """Install into the peers' environment; what pip said is kept in `pip.log`."""
    print(f"pip install {' '.join(packages)} …", flush=True)
    command = [options.peers_venv / "bin" / "python", "-m", "pip", "install", *packages]
    with (options.out / "pip.log").open("a") as log:
        done = subprocess.run(command, stdout=log, stderr=log, timeout=INSTALL_SECONDS)
    return done.returncode == 0
