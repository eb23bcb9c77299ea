"""Draw the medians as horizontal bars, one group for each workload: an SVG with no dependency."""

from html import escape
from statistics import median

from result import Result
from workloads import WORKLOADS

WIDTH = 760
LABEL_WIDTH = 150
BAR_WIDTH = 480
LINE = 24
OWN, OTHER, FLOOR = "#b7410e", "#8a98a5", "#222222"


def chart(result: Result) -> str:
    """Lay the groups out under one another; a shorter bar is a cheaper request."""
    drawn, top = [], LINE
    for name, workload in WORKLOADS.items():
        costs = bars_of(result, name)
        if not costs:
            continue
        drawn.append(text(0, top, f"{workload.title}: CPU µs per request", weight="bold"))
        top += LINE
        scale = BAR_WIDTH / max(cost for _, cost in costs)
        for server, cost in costs:
            drawn.append(bar(server, cost, scale, top))
            top += LINE
        top += LINE
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}"'
        f' height="{top}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def bars_of(result: Result, workload: str) -> list[tuple[str, float]]:
    """Return (server, median cost), cheapest first; for Django the floors stand among them."""
    costs = []
    for server in result.servers:
        runs = result.loads_of(server, workload)
        if runs:
            costs.append((server, median(run.cpu_us for run in runs)))
    if workload == "django" and costs and result.floors:
        costs.append(("no server (floor)", median(run.cpu_us for run in result.floors)))
    return sorted(costs, key=lambda row: row[1])


def bar(server: str, cost: float, scale: float, top: int) -> str:
    """Draw one bar with its name before it and its value after it."""
    color = OWN if server.startswith("rwsgi-") else FLOOR if server.startswith("no ") else OTHER
    length = cost * scale
    return "\n".join(
        (
            text(LABEL_WIDTH - 8, top, server, anchor="end"),
            f'<rect x="{LABEL_WIDTH}" y="{top - 13}" width="{length:.1f}" height="17"'
            f' fill="{color}"/>',
            text(LABEL_WIDTH + length + 6, top, f"{cost:.3g}"),
        )
    )


def text(x: float, y: float, content: str, anchor: str = "start", weight: str = "normal") -> str:
    """Draw one line of text with its base line at `y`."""
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(content)}</text>"
