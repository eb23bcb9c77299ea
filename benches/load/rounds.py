"""The order of the measurements: A B C A B C, each server started and stopped for each.

On a shared machine the speed of the minute differs more than two servers do; taking turns gives
every server a part of the good minutes and of the bad ones. What another process had a part in is
measured again, and refused when that happens too often.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException
from subprocess import SubprocessError
from typing import TYPE_CHECKING

from floor import measure_floor
from noise import Watch
from result import Floor, Refusal, Result, Row
from session import BenchError

if TYPE_CHECKING:
    from noise import Noise
    from options import Options
    from plan import Plan, Step

TRIES = 3
FAILURES = (BenchError, OSError, SubprocessError, HTTPException)
"""What a server or a scene may run into; the others are measured all the same."""


class RefusedError(BenchError):
    """Others used too much of the processor each time."""


class Rounds:
    """One run of a plan. `kept()` is called after each step, so that nothing is lost."""

    def __init__(
        self,
        options: Options,
        plan: Plan,
        result: Result,
        kept: Callable[[], None] = lambda: None,
    ) -> None:
        self.options = options
        self.plan = plan
        self.result = result
        self.kept = kept
        self.failed: set[tuple[str, str]] = set()

    def run(self) -> None:
        """Take every step. A server that fails is reported and left out of the rest of a scene."""
        begun = time.monotonic()
        for step in self.plan.steps:
            if (step.server.name, step.scene.name) in self.failed:
                continue
            try:
                said = self.take(step)
            except RefusedError as error:
                refusal = Refusal(step.server.name, step.scene.name, step.round, str(error))
                self.result.refused.append(refusal)
                said = f"refused: {error}"
            except FAILURES as error:
                if not step.is_floor:
                    self.failed.add((step.server.name, step.scene.name))
                self.result.failures.append(f"{step.title}: {error}")
                said = f"failed: {error}"
            left = self.plan.left(step, time.monotonic() - begun)
            print(f"[{left} left] {step.title}: {said}", flush=True)
            self.kept()

    def take(self, step: Step) -> str:
        """Take one step, keep what was found, and say it in a line."""
        if step.is_floor:
            launch = step.scene.launch(self.options)
            cost, _ = self.undisturbed(lambda: measure_floor(self.options, launch, step.server))
            found = Floor(step.scene.name, step.server.interpreter, step.round, cost)
            self.result.floors.append(found)
            return f"floor {cost:.1f} µs/call"
        scene, server = step.scene, step.server
        figures, noise = self.undisturbed(lambda: scene.measure(self.options, server, step.round))
        under = self.result.floor(server.name, scene.name, step.round) if scene.has_floor else None
        if under is not None:
            # Of the same round: a slow minute slows both.
            figures["times_floor"] = figures["cpu_us"] / under
        row = Row(server.name, scene.name, step.round, figures, noise.share, noise.steal)
        self.result.rows.append(row)
        shown = [
            f"{column.title} {column.shown(figures[column.key])}"
            for column in scene.columns[:4]
            if column.key in figures
        ]
        return ", ".join(shown)

    def undisturbed(self, measure: Callable):
        """Measure until nobody else took part: (what was found, what others did)."""
        noises: list[Noise] = []
        while len(noises) < TRIES:
            watch = Watch()
            found = measure()
            noises.append(watch.noise())
            if noises[-1].quiet or self.options.any_noise:
                return found, noises[-1]
        took = "; ".join(f"{name} {share:.0%}" for share, name in (one.worst for one in noises))
        raise RefusedError(f"others used more than a tenth of a core each time: {took}")
