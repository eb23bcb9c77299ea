"""The order of the measurements: A B C A B C, each server started and stopped for each.

On a shared machine the speed of the minute differs more than two servers do; taking turns gives
every server a part of the good minutes and of the bad ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floor import measure_floor
from result import Floor, Result, Row
from session import BenchError

if TYPE_CHECKING:
    from options import Options
    from scene import Scene
    from servers import Server


def run_rounds(
    options: Options, scenes: list[Scene], servers: list[Server], result: Result
) -> None:
    """Measure every server in every scene, `options.rounds` times.

    A server that fails is reported once and left out of the rest of that scene.
    """
    failed: set[tuple[str, str]] = set()
    for number in range(1, options.rounds + 1):
        for scene in scenes:
            if number > (scene.rounds or options.rounds):
                continue
            taking = [one for one in servers if takes_part(options, scene, one)]
            if scene.has_floor:
                floors(options, scene, taking, number, result)
            for server in taking:
                if (server.name, scene.name) in failed:
                    continue
                try:
                    row = one_row(options, scene, server, number, result)
                except (BenchError, OSError) as error:
                    failed.add((server.name, scene.name))
                    failure(result, f"{server.name}, {scene.name}: {error}")
                    continue
                result.rows.append(row)
                progress(options, scene, row)


def takes_part(options: Options, scene: Scene, server: Server) -> bool:
    """Tell whether a server is measured in a scene; the short run leaves some peers out."""
    if scene.applies(server) is not None:
        return False
    chosen = options.full or options.only or not server.is_peer or scene.short_peers is None
    return chosen or server.name in scene.short_peers


def floors(
    options: Options, scene: Scene, servers: list[Server], number: int, result: Result
) -> None:
    """Measure the floor once for each interpreter that runs one of the servers."""
    by_interpreter = {server.interpreter: server for server in servers}
    for server in by_interpreter.values():
        try:
            cost = measure_floor(options, scene.launch(options), server)
        except BenchError as error:
            failure(result, f"{scene.name}: {error}")
            continue
        result.floors.append(Floor(scene.name, server.interpreter, number, cost))
        print(f"round {number}/{options.rounds} floor: {cost:.1f} us/call", flush=True)


def one_row(options: Options, scene: Scene, server: Server, number: int, result: Result) -> Row:
    """Measure once, and compare with the floor of the same round: a slow minute slows both."""
    figures = scene.measure(options, server, number)
    under = result.floor(server.name, scene.name, number) if scene.has_floor else None
    if under is not None:
        figures["times_floor"] = figures["cpu_us"] / under
    return Row(server.name, scene.name, number, figures)


def failure(result: Result, text: str) -> None:
    """Keep what could not be measured, and say it at once."""
    result.failures.append(text)
    print(f"failed: {text}", flush=True)


def progress(options: Options, scene: Scene, row: Row) -> None:
    """Say what the last seconds were spent on."""
    shown = [
        f"{column.title} {column.shown(row.figures[column.key])}"
        for column in scene.columns[:4]
        if column.key in row.figures
    ]
    print(
        f"round {row.round}/{options.rounds} {scene.name} {row.server}: {', '.join(shown)}",
        flush=True,
    )
