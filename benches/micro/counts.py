"""Count the instructions of each case below callgrind: `python benches/micro/counts.py --help`.

Counts repeat where times do not: what is compared is what our own code executes (of libpython and
the C library every machine has another one) and how often it allocates and copies memory. What
that means: docs/benchmarks.md. The order to read: `callgrind` (a profile), `bounds` (verdicts).
"""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from bounds import UPDATE, Bounds, Count, Maker
from callgrind import Profile, read_profile, without_callers

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = Path(__file__).with_name("counts.json")
# Its name in the profiles: the function of `counted.rs` whose work counts.
COLLECTED = "counted::collected"
# Of the environment: where programs are, and which of several Rust toolchains.
KEPT = ("HOME", "PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN")
TIME_LIMIT = 600


class CountError(Exception):
    """It could not be counted."""


def main() -> int:
    """Return 0 when every case is within its bounds, 1 when not or when nothing can be counted."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("program", type=Path, help="`counted`, built with the release profile")
    parser.add_argument("--update", action="store_true", help=f"write {BOUNDS.name} anew")
    parser.add_argument("--out", type=Path, default=ROOT / ".build/counts", help="for profiles")
    options = parser.parse_args()
    try:
        profiles, cpython = run(options.program.resolve(), options.out)
        rustc = output(["rustc", "--version"]).split()[1]
    except (CountError, OSError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    counts = {name: count(profile, rounds, options) for name, (profile, rounds) in profiles.items()}
    show(counts, profiles, options)
    maker, bounds = Maker(platform.machine(), rustc, cpython), Bounds(BOUNDS)
    if options.update:
        bounds.update(counts, maker)
        print(f"written: {BOUNDS.relative_to(ROOT)}")
        return 0
    verdict = bounds.judge(counts, maker)
    for remark in verdict.remarks:
        print(f"note: {remark}")
    for fault in verdict.faults:
        print(f"error: {fault}", file=sys.stderr)
    if verdict.faults:
        profile = f"{os.path.relpath(options.out)}/GROUP-CASE.callgrind"
        print(
            f"where they are: callgrind_annotate {profile}, here and at the commit before; "
            f"if they are worth it: {UPDATE}",
            file=sys.stderr,
        )
    return 1 if verdict.faults else 0


def run(program: Path, out: Path) -> tuple[dict[str, tuple[Profile, int]], str]:
    """Run all cases; return their profiles with how often each ran, and the CPython they ran on."""
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("part*"), *out.glob("*.callgrind")]:
        old.unlink()
    command = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--collect-atstart=no",
        f"--toggle-collect={COLLECTED}",
        f"--dump-after={COLLECTED}",
        "--compress-strings=no",
        "--compress-pos=no",
        f"--callgrind-out-file={out / 'part'}",
        str(program),
    ]
    cpython, *lines = output(command).splitlines()
    profiles = {}
    for number, line in enumerate(lines, 1):
        name, rounds = line.split()
        # Two for each case, of which the first one is for warming up.
        part = out / f"part.{2 * number}"
        if not part.exists():
            raise CountError(f"callgrind wrote no profile of `{name}`: `{COLLECTED}` was not seen")
        text = without_callers(part.read_text())
        (out / f"{name.replace('/', '-')}.callgrind").write_text(text)
        profiles[name] = read_profile(text, program.name), int(rounds)
    for rest in out.glob("part*"):
        rest.unlink()
    return profiles, cpython


def output(command: list[str]) -> str:
    """Return what a command prints; the rest of the environment has no say in what it does."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=kept | fixed, stdout=subprocess.PIPE, text=True, timeout=TIME_LIMIT, check=True
    )
    return done.stdout


def count(profile: Profile, rounds: int, options: argparse.Namespace) -> Count:
    """Return the averages."""
    own = profile.instructions[options.program.name]
    averages = (own, profile.allocations, profile.copies)
    return Count(*(round(value / rounds, 1) for value in averages))


def show(
    counts: dict[str, Count],
    profiles: dict[str, tuple[Profile, int]],
    options: argparse.Namespace,
) -> None:
    """Print a table; what is not our own code is there to be seen, not judged."""
    print(f"{'a run of':20} {'instructions':>12} allocations copies {'elsewhere':>12}")
    for name, own in counts.items():
        profile, rounds = profiles[name]
        all_of_it = sum(profile.instructions.values())
        rest = (all_of_it - profile.instructions[options.program.name]) / rounds
        print(
            f"{name:20} {own.instructions:12,.1f} {own.allocations:11,.1f} {own.copies:6,.1f} "
            f"{rest:12,.1f}"
        )


if __name__ == "__main__":
    sys.exit(main())
