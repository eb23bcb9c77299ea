"""What a run will measure, in which order, and how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import floor

if TYPE_CHECKING:
    from options import Options
    from scene import Scene
    from servers import Server


@dataclass(frozen=True)
class Step:
    """One measurement of one server, or of the floor under its Python."""

    round: int
    scene: Scene
    server: Server
    seconds: float
    is_floor: bool = False

    @property
    def title(self) -> str:
        """Name the step in a line of the log."""
        what = f"floor under {self.server.name}" if self.is_floor else self.server.name
        return f"round {self.round}, {self.scene.name}, {what}"


@dataclass(frozen=True)
class Plan:
    """Every step, in the order in which they are taken."""

    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """Estimate how long the whole run takes."""
        return sum(step.seconds for step in self.steps)

    def left(self, done: Step, passed: float) -> str:
        """Estimate the time that is left after a step, by how long those before it took."""
        number = self.steps.index(done) + 1
        known = sum(step.seconds for step in self.steps[:number])
        return minutes(passed / known * (self.seconds - known) if known else self.seconds)

    def described(self) -> str:
        """List the scenes with their servers, and the estimate."""
        lines = []
        rounds = max((step.round for step in self.steps), default=0)
        for scene in dict.fromkeys(step.scene for step in self.steps):
            mine = [step for step in self.steps if step.scene is scene]
            names = dict.fromkeys(step.server.name for step in mine if not step.is_floor)
            lines.append(f"  {scene.name:20} {', '.join(names)}")
        total = f"{len(self.steps)} measurements, at most {rounds} rounds, about"
        return "\n".join([*lines, f"  {total} {minutes(self.seconds)}"])


def minutes(seconds: float) -> str:
    """Write a time as minutes and seconds."""
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def plan(options: Options, scenes: list[Scene], servers: list[Server]) -> Plan:
    """Put all scenes into each round, and in each scene all servers one after the other."""
    steps = []
    for number in range(1, options.rounds + 1):
        for scene in scenes:
            if number > (scene.rounds or options.rounds):
                continue
            taking = [server for server in servers if takes_part(options, scene, server)]
            if scene.has_floor:
                one_of_each = {server.interpreter: server for server in taking}.values()
                cost = floor.estimate(options)
                steps += [Step(number, scene, server, cost, True) for server in one_of_each]
            cost = scene.estimate(options)
            steps += [Step(number, scene, server, cost) for server in taking]
    return Plan(tuple(steps))


def takes_part(options: Options, scene: Scene, server: Server) -> bool:
    """Tell whether a server is measured in a scene; the short run leaves some peers out."""
    if scene.applies(server) is not None:
        return False
    if options.full or options.only or not server.is_peer or scene.short_peers is None:
        return True
    return server.name in scene.short_peers
