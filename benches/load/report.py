"""Turn a result into Markdown and a chart for people, and JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from chart import charts

if TYPE_CHECKING:
    from result import Result
    from scene import Scene


def write(result: Result, scenes: list[Scene], out: Path) -> list[Path]:
    """Print the Markdown; keep it and the raw numbers in `out`, over those of the last run."""
    text = markdown(result, scenes)
    print(f"\n{text}")
    files = {
        out / "result.md": text,
        out / "result.json": as_json(result),
        **{out / f"{group}.svg": drawn for group, drawn in charts(result, scenes).items()},
    }
    for path, content in files.items():
        path.write_text(content)
    return [*files]


def as_json(result: Result) -> str:
    """Write everything that is known, for programs."""
    return json.dumps(dataclasses.asdict(result), indent=1) + "\n"


def markdown(result: Result, scenes: list[Scene]) -> str:
    """Lay out the whole report."""
    parts = ["# Load comparison", conditions(result)]
    parts.append(noise_line(result))
    parts.append(table_section("Targets", ["target", "server", "value", "limit", "verdict"], [
        list(dataclasses.astuple(verdict)) for verdict in result.verdicts
    ]))  # fmt: skip
    parts += [scene_section(result, scene) for scene in scenes]
    parts.append(table_section("Servers", ["server", "version", "Python"], [
        [name, about["version"], about["python"]] for name, about in result.servers.items()
    ]))  # fmt: skip
    parts.append(table_section("Command lines", ["scene", "server", "command"], [
        [scene, server, f"`{command}`"]
        for scene, of_servers in result.commands.items()
        for server, command in of_servers.items()
    ]))  # fmt: skip
    left_out = [f"{name}: {reason}" for name, reason in result.left_out.items()]
    parts.append(list_section("Left out", left_out))
    parts.append(list_section("Refused", [refusal.shown() for refusal in result.refused]))
    parts.append(list_section("Failures", result.failures))
    return "\n\n".join(part for part in parts if part) + "\n"


def conditions(result: Result) -> str:
    """Say under which conditions the numbers came about."""
    facts = {**result.machine, **result.options}
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items())


def noise_line(result: Result) -> str:
    """Say how much others had of the processor while the rows were made that were kept."""
    if not result.rows:
        return ""
    others = [row.others for row in result.rows]
    steal = [row.steal for row in result.rows]
    return (
        f"In the {len(result.rows)} rows that were kept, the busiest other process used"
        f" {median(others):.1%} of a core (at most {max(others):.1%}), the hypervisor took"
        f" {median(steal):.1%} (at most {max(steal):.1%})."
    )


def scene_section(result: Result, scene: Scene) -> str:
    """Lay out one scene: the medians of its rounds, best server first."""
    main = scene.columns[0]
    ranked = [
        (value, name)
        for name in result.servers
        if (value := result.median(name, scene.name, main.key)) is not None
    ]
    ranked.sort(reverse=main.better == "more")
    titles = ["server", main.title, "least - most", *(one.title for one in scene.columns[1:])]
    rows = [server_row(result, scene, name) for _, name in ranked]
    rows += [
        [name, "refused", *["-"] * len(scene.columns)]
        for name in result.servers
        if result.refusals(name, scene.name) and not result.rows_of(name, scene.name)
    ]
    section = table_section(f"{scene.title} (`{scene.name}`)", titles, rows)
    floors = [floor for floor in result.floors if floor.scene == scene.name]
    if section and floors:
        of_one = {floor.interpreter: [] for floor in floors}
        for floor in floors:
            of_one[floor.interpreter].append(f"{floor.cpu_us:.1f}")
        section += "\n\nThe floor, the application called in a loop in-process, in µs/call:\n\n"
        section += "\n".join(f"- {name}: {', '.join(costs)}" for name, costs in of_one.items())
    return section


def server_row(result: Result, scene: Scene, server: str) -> list[str]:
    """Lay out one server's medians."""
    main = scene.columns[0]
    values = result.values(server, scene.name, main.key).values()
    row = [
        server,
        main.shown(median(values)),
        f"{main.shown(min(values))} - {main.shown(max(values))}",
    ]
    for column in scene.columns[1:]:
        value = result.median(server, scene.name, column.key)
        row.append("-" if value is None else column.shown(value))
    return row


def table_section(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """Lay out a titled table; nothing when it has no row."""
    if not rows:
        return ""
    widths = [max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    body = (
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )
    return f"## {title}\n\n" + "\n".join(body)


def list_section(title: str, lines: Iterable[str]) -> str:
    """Lay out a titled list; nothing when it is empty."""
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
