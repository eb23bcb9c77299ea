"""Draw medians as horizontal bars: one SVG for each group of scenes, with no dependency."""

from __future__ import annotations

from html import escape
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from result import Result
    from scene import Scene

WIDTH = 760
LABEL_WIDTH = 150
BAR_WIDTH = 480
LINE = 24
OWN, OTHER, FLOOR = "#b7410e", "#8a98a5", "#222222"


def charts(result: Result, scenes: list[Scene]) -> dict[str, str]:
    """Return group -> SVG, of the groups in which something was measured."""
    groups: dict[str, list[Scene]] = {}
    for scene in scenes:
        if bars_of(result, scene):
            groups.setdefault(scene.group.replace(" ", "-"), []).append(scene)
    return {group: chart(result, members) for group, members in groups.items()}


def chart(result: Result, scenes: list[Scene]) -> str:
    """Lay the scenes out under one another, the best server first."""
    drawn, top = [], LINE
    for scene in scenes:
        bars = bars_of(result, scene)
        drawn.append(text(0, top, f"{scene.title}: {scene.columns[0].title}", weight="bold"))
        top += LINE
        scale = BAR_WIDTH / (max(value for _, value in bars) or 1)
        for server, value in bars:
            drawn.append(bar(server, value, scale, top))
            top += LINE
        top += LINE
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}"'
        f' height="{top}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def bars_of(result: Result, scene: Scene) -> list[tuple[str, float]]:
    """Return (server, median), best first; the floor stands among them."""
    main = scene.columns[0]
    bars = [
        (server, value)
        for server in result.servers
        if (value := result.median(server, scene.name, main.key)) is not None
    ]
    floors = [floor.cpu_us for floor in result.floors if floor.scene == scene.name]
    if bars and floors:
        bars.append(("no server (floor)", median(floors)))
    return sorted(bars, key=lambda one: one[1], reverse=main.better == "more")


def bar(server: str, value: float, scale: float, top: int) -> str:
    """Draw one bar with its name before it and its value after it."""
    color = OWN if server.startswith("rwsgi-") else FLOOR if server.startswith("no ") else OTHER
    length = max(0.0, value * scale)
    shown = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return "\n".join(
        (
            text(LABEL_WIDTH - 8, top, server, anchor="end"),
            f'<rect x="{LABEL_WIDTH}" y="{top - 13}" width="{length:.1f}" height="17"'
            f' fill="{color}"/>',
            text(LABEL_WIDTH + length + 6, top, shown),
        )
    )


def text(x: float, y: float, content: str, anchor: str = "start", weight: str = "normal") -> str:
    """Draw one line of text with its base line at `y`."""
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
    return f"<text {place}>{escape(content)}</text>"
