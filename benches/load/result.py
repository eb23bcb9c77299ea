"""What was measured, as it is kept: every single run, so that medians can be doubted later."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Row:
    """One server in one scene in one round: its figures by the keys of the scene's columns."""

    server: str
    scene: str
    round: int
    figures: dict[str, float]
    others: float = 0.0
    """What the busiest process that is no part of it used meanwhile, in cores."""
    steal: float = 0.0
    """What the hypervisor gave to others meanwhile, in cores."""


@dataclass(frozen=True)
class Refusal:
    """What was measured, but with other processes in the way."""

    server: str
    scene: str
    round: int
    why: str

    def shown(self) -> str:
        """Say it in a line."""
        return f"round {self.round}, {self.scene}, {self.server}: {self.why}"


@dataclass(frozen=True)
class Floor:
    """A scene's application called in a loop without a server: CPU time of one call."""

    scene: str
    interpreter: str
    round: int
    cpu_us: float


@dataclass(frozen=True)
class Verdict:
    """One target: what was reached, what was to be reached, and what follows."""

    target: str
    server: str
    value: str
    limit: str
    verdict: str


@dataclass
class Result:
    """Everything that a run of the comparison found out."""

    options: dict
    machine: dict
    servers: dict[str, dict]
    left_out: dict[str, str]
    commands: dict[str, dict[str, str]] = field(default_factory=dict)
    """How each server was started in each scene."""
    rows: list[Row] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def rows_of(self, server: str, scene: str) -> list[Row]:
        """Return the runs of one row of a table."""
        return [row for row in self.rows if (row.server, row.scene) == (server, scene)]

    def refusals(self, server: str, scene: str) -> list[Refusal]:
        """Return the rounds in which a server was measured in vain."""
        return [one for one in self.refused if (one.server, one.scene) == (server, scene)]

    def values(self, server: str, scene: str, key: str) -> dict[int, float]:
        """Return round -> figure, of the rounds that have it."""
        rows = self.rows_of(server, scene)
        return {row.round: row.figures[key] for row in rows if key in row.figures}

    def median(self, server: str, scene: str, key: str) -> float | None:
        """Return the median of a figure, or None when it was not measured."""
        values = self.values(server, scene, key)
        return median(values.values()) if values else None

    def servers_in(self, scene: str) -> list[str]:
        """Return the servers that were measured in a scene."""
        return [name for name in self.servers if self.rows_of(name, scene)]

    def floor(self, server: str, scene: str, number: int) -> float | None:
        """Return the floor under a row: its scene, its round, the interpreter of its server."""
        interpreter = self.servers[server]["interpreter"]
        found = [
            floor.cpu_us
            for floor in self.floors
            if (floor.scene, floor.interpreter, floor.round) == (scene, interpreter, number)
        ]
        return found[0] if found else None
