"""The soak's clients: threads that make one visit after the other, and can be told to pause."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import breaks
import visits
from visits import Visitor
from wire import WrongError

Visit = Callable[[Visitor], None]

QUICK: dict[Visit, int] = {
    visits.keep_alive: 20,
    visits.site: 8,
    visits.one_request: 10,
    visits.head: 3,
    visits.http_1_0: 3,
    visits.pipelined: 5,
    visits.small_bodies: 8,
    visits.large_body: 2,
    visits.chunked_body: 4,
    visits.expected_body: 2,
    visits.downloads: 2,
    visits.failing_pages: 1,
    visits.refused: 12,
    breaks.reset_unfinished: 4,
    breaks.reset_while_running: 4,
    breaks.reset_mid_response: 4,
    breaks.reset_pipelined: 2,
    breaks.half_close_unfinished: 2,
    breaks.half_close_whole: 2,
    breaks.half_close_mid_response: 2,
}
"""Visits of milliseconds, and how often each is made compared with the others."""
SLOW: dict[Visit, int] = {
    visits.slow_sender: 2,
    visits.slow_reader: 4,
    visits.silent: 2,
    visits.stalled_reader: 1,
}
"""Visits of seconds: they have clients of their own, or they would leave no time for the rest."""
SLOW_PART = 3
"""One client of so many makes slow visits."""
ERRORS_SHOWN = 20
"""So many kinds of errors are shown when they first come up, and at the end."""


@dataclass(frozen=True)
class Plan:
    """How many clients, which chance, and whether one kind of visit is made alone."""

    port: int
    clients: int
    seed: int
    only: str | None


class Crowd:
    """The clients. They begin paused; `errors` counts what went wrong, in words."""

    def __init__(self, plan: Plan) -> None:
        """Start the threads."""
        self.plan = plan
        self.changed = threading.Condition()
        self.paused = True
        self.ending = False
        self.visiting = 0
        self.errors: Counter[str] = Counter()
        self.counts: list[Counter[str]] = [Counter() for _ in range(plan.clients)]
        self.threads = [
            threading.Thread(target=self.client, args=(number,)) for number in range(plan.clients)
        ]
        for thread in self.threads:
            thread.start()

    def resume(self) -> None:
        """Let the clients go on."""
        with self.changed:
            self.paused = False
            self.changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Have the clients finish their visits; False when some have not after so many seconds."""
        with self.changed:
            self.paused = True
            return self.changed.wait_for(lambda: self.visiting == 0, seconds)

    def end(self) -> None:
        """End the threads, each after its visit."""
        with self.changed:
            self.ending = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    def seen(self) -> Counter[str]:
        """Add up what the clients have counted so far."""
        return sum(map(Counter, self.counts), Counter())

    def client(self, number: int) -> None:
        """Make visits until the end."""
        chance = Random(f"{self.plan.seed}/{number}")  # noqa: S311 - nothing secret
        visitor = Visitor(self.plan.port, chance, self.counts[number])
        table = SLOW if number % SLOW_PART == 0 else QUICK
        if self.plan.only is not None:
            table = {visit: 1 for visit in [*QUICK, *SLOW] if visit.__name__ == self.plan.only}
        while self.may_visit():
            (visit,) = visitor.chance.choices([*table], [*table.values()])
            try:
                visit(visitor)
            except (WrongError, OSError, ValueError) as error:
                self.failed(visitor, visit, error)
            visitor.seen["visits"] += 1
            with self.changed:
                self.visiting -= 1
                self.changed.notify_all()

    def may_visit(self) -> bool:
        """Wait while paused; False at the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.ending or not self.paused)
            self.visiting += not self.ending
            return not self.ending

    def failed(self, visitor: Visitor, visit: Visit, error: Exception) -> None:
        """Count an error; the first of its kind is shown."""
        visitor.seen["errors"] += 1
        # The message of a timeout says nothing of what was waited for.
        reason = "no answer in time" if isinstance(error, TimeoutError) else error or repr(error)
        text = f"{visit.__name__}: {reason}"
        with self.changed:
            self.errors[text] += 1
            if self.errors[text] == 1 and len(self.errors) <= ERRORS_SHOWN:
                print(f"  error: {text}", flush=True)
