"""What every measurement has in common: a name, columns, and one figure for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch import Launch
    from options import Options
    from servers import Server
    from targets import Target


@dataclass(frozen=True)
class Column:
    """One figure of a scene. `better` is `less` or `more`: which end of it one wants."""

    key: str
    title: str
    unit: str = ""
    digits: int = 2
    better: str = "less"

    def shown(self, value: float) -> str:
        """Write a value as the tables do."""
        return f"{value:,.{self.digits}f}"


class Scene:
    """One situation in which every server is measured. Its first column is the one it is about.

    Tables are sorted by that column and show its spread; charts are drawn of it.
    """

    name: str
    title: str
    group: str
    columns: tuple[Column, ...]
    targets: tuple[Target, ...] = ()
    short = False
    """Whether `make bench` has time for it; `make bench-full` runs every scene."""
    has_floor = False
    """Whether what is served can be called in a loop without a server too, see `floor`."""
    short_peers: tuple[str, ...] | None = None
    """The peers that `make bench` measures; None: all that the scene applies to."""
    rounds: int | None = None
    """How often it is measured at most; None: as often as the options say."""

    def applies(self, server: Server) -> str | None:
        """Return why this server is not measured here, or None."""
        return None

    def prepare(self, options: Options) -> None:
        """Make ready what all servers need, once before the first round.

        Raises `BenchError` when the scene cannot be had on this machine: it is then left out.
        """

    def finish(self) -> None:
        """Take back what `prepare` has started, also when that did not come to its end."""

    def launch(self, options: Options) -> Launch | None:
        """Return how servers are started; None when not all are started alike."""
        return None

    def started(self, options: Options, server: Server) -> Launch | None:
        """Return how one server is started, for the report."""
        return self.launch(options)

    def estimate(self, options: Options) -> float:
        """Return about how many seconds one measurement takes."""
        return options.seconds + 3.0

    def measure(self, options: Options, server: Server, number: int) -> dict[str, float]:
        """Measure one server once, in round `number`; give a figure for each column's key.

        Raises `BenchError` when it cannot be measured or did not answer rightly.
        """
        raise NotImplementedError
