"""Compare rwsgi with other WSGI servers on this machine: `python benches/load --help`.

What it measures and how far to trust it: docs/benchmarks.md. The order to read the files:
`options` (what was asked), `servers`, `peers`, `marks` and `tools` (what is compared, and
installing it), `launch` and `session` (one server process tree), `scene` (what every measurement
has in common), `workload`, `workloads`, `sites` and `postgres` (the scenes that a load generator
drives), `wrk`, `h2load`, `accounting` and `noise` (what is read), `flat` and `scenes/` (the other
scenes), `catalog` (all of them), `plan`, `rounds` and `floor` (the order), `result` (what is
kept), `targets` (verdicts), `report` and `chart` (what comes out).
"""

import signal
import subprocess
import sys

from catalog import SCENES, TARGETS
from machine import facts
from options import Options, parse
from peers import NAMES, PEERS, line_up
from plan import plan, takes_part
from report import as_json, write
from result import Result
from rounds import Rounds
from scene import Scene
from servers import Lineup
from session import BenchError
from targets import judge
from tools import prepare


def main() -> int:
    """Return 0 when everything asked for was measured, 1 when something could not be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    try:
        return listed() if options.listing else compare(options)
    except (BenchError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; every server was stopped", file=sys.stderr)
        return 130


def listed() -> int:
    """Show every scene and every server there is."""
    for scene in SCENES.values():
        print(f"{scene.name:20} {'short' if scene.short else 'full ':6} {scene.title}")
    print("\nservers:", ", ".join(NAMES))
    return 0


def compare(options: Options) -> int:
    """Install what is missing, measure, judge, and put the result on the screen and on disk."""
    packages = {PEERS[name].package for name in options.servers if name in PEERS}
    lineup = line_up(options, prepare(options, packages))
    for name, reason in lineup.left_out.items():
        print(f"left out: {name}: {reason}", flush=True)
    if not lineup.servers:
        raise BenchError("no server to measure is left")
    result = Result(
        options=options.described(),
        machine=facts(),
        servers={server.name: server.described() for server in lineup.servers},
        left_out=lineup.left_out,
    )
    scenes = [SCENES[name] for name in options.scenes]
    try:
        measure(options, scenes, lineup, result)
    finally:
        # An interrupted run shows what it has.
        if result.rows or result.refused:
            result.verdicts = judge(result, TARGETS, options.scenes)
            for path in write(result, scenes, options.out):
                print(f"written: {path}")
    return 1 if result.failures or result.refused else 0


def measure(options: Options, scenes: list[Scene], lineup: Lineup, result: Result) -> None:
    """Make the scenes ready and run their rounds; what was started for them is ended."""
    begun, ready = [], []
    try:
        for scene in scenes:
            begun.append(scene)
            try:
                scene.prepare(options)
                ready.append(scene)
            except (BenchError, OSError) as error:
                result.left_out[scene.name] = str(error)
                print(f"left out: {scene.name}: {error}", flush=True)
        result.commands = {scene.name: commands(options, scene, lineup) for scene in ready}
        steps = plan(options, ready, lineup.servers)
        print(steps.described(), flush=True)
        raw = options.out / "result.json"
        Rounds(options, steps, result, kept=lambda: raw.write_text(as_json(result))).run()
    finally:
        for scene in begun:
            scene.finish()


def commands(options: Options, scene: Scene, lineup: Lineup) -> dict[str, str]:
    """Write how each server is started in a scene."""
    taking = [server for server in lineup.servers if takes_part(options, scene, server)]
    launches = {server: scene.started(options, server) for server in taking}
    return {one.name: one.shown(launch) for one, launch in launches.items() if launch}


if __name__ == "__main__":
    sys.exit(main())
