"""One short run of every kind of scene, by `RWSGI_NATIVE` or the `rwsgi` beside this python.

It measures nothing that could be told to anybody: it shows that each can still be had.
"""
# ruff: noqa: S101 - pytest is made of asserts

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenes import SCENES

LOAD = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = 300
WHEEL = Path(sys.executable).parent / "rwsgi"
LIKE_ANOTHER = {
    "slow-500",
    "slow-2000-hello",
    "idle-1000-hello",
    "balance-django",
    "handshakes-rsa",
}
"""Scenes that differ from one that is run in a number or in the application alone."""
CHOSEN = [scene for scene in SCENES if scene.name not in LIKE_ANOTHER]
PERHAPS = {"idle": {"calls"}}
"""Figures that not every machine can give: a container may forbid strace."""


def host() -> tuple[str, list[str]]:
    """Return the server's name and the arguments that say where it is; skip without any."""
    native = os.environ.get("RWSGI_NATIVE")
    if native:
        venv = str(Path(sys.executable).parents[1])
        return "rwsgi-native", ["--rwsgi-native", native, "--venv", venv]
    if not WHEEL.exists():
        pytest.skip("no rwsgi to measure: install the wheel or set RWSGI_NATIVE")
    return "rwsgi-wheel", ["--rwsgi-wheel", str(WHEEL)]


def short_run(folder: Path, *arguments: str) -> dict:
    """Run the program as briefly as it can; what it has found."""
    # The packages that sites and peers need are beside this python.
    (folder / "venv").symlink_to(Path(sys.executable).parents[1])
    done = subprocess.run(
        [sys.executable, LOAD, "--quick", "--no-install", "--out", folder, *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((folder / "result.json").read_text())
    assert found["left_out"] == {}
    return found


def test_every_kind_of_scene_gives_every_figure_of_its_table(tmp_path):
    name, given = host()
    scenes = ",".join(scene.name for scene in CHOSEN)
    result = short_run(tmp_path, *given, "--only", name, "--scenes", scenes)
    found = {row["scene"]: row["figures"].keys() for row in result["rows"]}
    for scene in CHOSEN:
        missing = {column.key for column in scene.columns} - found[scene.name]
        assert missing <= PERHAPS.get(scene.name, set()), f"{scene.name}: {missing}"
