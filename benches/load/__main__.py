"""Compare rwsgi with other WSGI servers on this machine: `python benches/load --help`.

What it measures and how far to trust it: docs/benchmarks.md. The order to read the files:
`options` (what was asked), `servers`, `peers` and `tools` (what is compared, and installing it),
`launch` and `session` (one server process tree), `scene` (what every measurement has in common),
`workload`, `workloads` and `sites` (the scenes that a load generator drives), `wrk` and
`accounting` (what is read), `flat` and `scenes/` (the other scenes), `catalog` (all of them),
`rounds` and `floor` (the order), `result` (what is kept), `targets` (verdicts), `report` and
`chart` (what comes out).
"""

import signal
import subprocess
import sys

from catalog import SCENES, TARGETS
from machine import facts
from options import Options, parse
from peers import line_up
from report import write
from result import Result
from rounds import run_rounds, takes_part
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
        return compare(options)
    except (BenchError, subprocess.SubprocessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; every server was stopped", file=sys.stderr)
        return 130


def compare(options: Options) -> int:
    """Install what is missing, measure, judge, and put the result on the screen and on disk."""
    missing = prepare(options)
    lineup = line_up(options, missing)
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
        if result.rows:
            result.verdicts = judge(result, TARGETS, options.scenes)
            for path in write(result, scenes, options.out):
                print(f"written: {path}")
    return 1 if result.failures else 0


def measure(options: Options, scenes: list[Scene], lineup: Lineup, result: Result) -> None:
    """Make the scenes ready and run their rounds; what was started for them is ended."""
    ready = []
    try:
        for scene in scenes:
            try:
                ready.append(scene)
                scene.prepare(options)
            except BenchError as error:
                result.left_out[scene.name] = str(error)
                print(f"left out: {scene.name}: {error}", flush=True)
                ready.remove(scene)
                scene.finish()
        result.commands = {scene.name: commands(options, scene, lineup) for scene in ready}
        run_rounds(options, ready, lineup.servers, result)
    finally:
        for scene in ready:
            scene.finish()


def commands(options: Options, scene: Scene, lineup: Lineup) -> dict[str, str]:
    """Write how each server is started in a scene."""
    taking = [server for server in lineup.servers if takes_part(options, scene, server)]
    launches = {server: scene.started(options, server) for server in taking}
    return {one.name: one.shown(launch) for one, launch in launches.items() if launch}


if __name__ == "__main__":
    sys.exit(main())
