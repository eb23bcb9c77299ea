"""Turn a result into Markdown and a chart for people, and JSON for programs."""

import dataclasses
import json
from pathlib import Path
from statistics import median

from chart import chart
from result import Load, Result
from workloads import DJANGO, WORKLOADS

LOAD_COLUMNS = [
    "server",
    "CPU µs/request",
    "least - most",
    "cores busy",
    "requests/s",
    "p50 ms",
    "p99 ms",
    "master PSS MiB",
    "all PSS MiB",
]


def write(result: Result, out: Path) -> list[Path]:
    """Print the Markdown; keep it and the raw numbers in `out`, over those of the last run."""
    text = markdown(result)
    print(f"\n{text}")
    files = {
        out / "result.md": text,
        out / "result.json": json.dumps(dataclasses.asdict(result), indent=1) + "\n",
        out / "result.svg": chart(result),
    }
    for path, content in files.items():
        path.write_text(content)
    return [*files]


def markdown(result: Result) -> str:
    """Lay out the whole report."""
    parts = ["# Load comparison", conditions(result)]
    parts += [load_section(result, name) for name in WORKLOADS]
    parts.append(table_section("Targets", ["target", "server", "value", "limit", "verdict"], [
        list(dataclasses.astuple(verdict)) for verdict in result.verdicts
    ]))  # fmt: skip
    parts.append(flat_section(result))
    parts.append(table_section("Servers", ["server", "version", "Python", "command"], [
        [name, about["version"], about["python"], f"`{about['command']}`"]
        for name, about in result.servers.items()
    ]))  # fmt: skip
    left_out = [f"{name}: {reason}" for name, reason in result.left_out.items()]
    parts.append(list_section("Left out", left_out))
    parts.append(list_section("Failures", result.failures))
    return "\n\n".join(part for part in parts if part) + "\n"


def conditions(result: Result) -> str:
    """Say under which conditions the numbers came about."""
    facts = {**result.machine, **result.options}
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items())


def load_section(result: Result, workload: str) -> str:
    """Lay out one workload: the medians of its rounds, cheapest server first."""
    rows = []
    for server in result.servers:
        runs = result.loads_of(server, workload)
        if runs:
            rows.append((median(run.cpu_us for run in runs), load_row(result, server, runs)))
    rows.sort(key=lambda row: row[0])
    title = f"{WORKLOADS[workload].title}: 1 worker, wrk -t1 -c64, medians"
    columns = [*LOAD_COLUMNS, "x floor"] if workload == DJANGO.name else LOAD_COLUMNS
    section = table_section(title, columns, [row for _, row in rows])
    if workload == DJANGO.name and result.floors:
        costs = ", ".join(f"{run.cpu_us:.1f}" for run in result.floors)
        section += f"\n\nThe floor, the same handler called in a loop in-process: {costs} µs/call."
    return section


def load_row(result: Result, server: str, runs: list[Load]) -> list[str]:
    """Lay out one server's medians."""
    costs = [run.cpu_us for run in runs]
    errors = sum(run.socket_errors for run in runs)
    times = result.times_floor(server, runs[0].workload)
    row = [
        server if not errors else f"{server} ({errors} socket errors)",
        f"{median(costs):.2f}",
        f"{min(costs):.2f} - {max(costs):.2f}",
        f"{median(run.cores for run in runs):.2f}",
        f"{median(run.requests_per_second for run in runs):,.0f}",
        f"{median(run.p50_ms for run in runs):.2f}",
        f"{median(run.p99_ms for run in runs):.2f}",
        f"{median(run.master_pss_kib for run in runs) / 1024:.1f}",
        f"{median(run.tree_pss_kib for run in runs) / 1024:.1f}",
    ]
    if runs[0].workload == DJANGO.name:
        row.append(f"{times:.2f}" if times is not None else "-")
    return row


def flat_section(result: Result) -> str:
    """Lay out the memory check with all its samples: a trend shows in the row."""
    rows = [
        [run.server, f"{run.requests:,}", " ".join(f"{kib / 1024:.1f}" for kib in run.samples_kib)]
        for run in result.flats
    ]
    columns = ["server", "requests", "workers' RSS in MiB, before and after each twentieth"]
    return table_section("Memory over 1 MiB bodies up and down", columns, rows)


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


def list_section(title: str, lines: list[str]) -> str:
    """Lay out a titled list; nothing when it is empty."""
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
