"""The arithmetic of the scenes: what is computed from samples, apart from how they are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import mean, median
from typing import TYPE_CHECKING

from targets import GUNICORN, ROUNDS, Read, Reading

if TYPE_CHECKING:
    from result import Result


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that so many per cent do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def ratio_between(before: float, beside: float, after: float) -> float:
    """Compare a value with the mean of those measured before and after it.

    A machine that grows slower meanwhile slows one of the two and not the other, so what changes
    evenly falls out.
    """
    around = mean((before, after))
    return beside / around if around else 0.0


def worst_share(owners: Sequence[str], workers: int) -> float:
    """Return how far, in per cent of its share, one of the workers is from it at most.

    `owners` names for each connection the worker that has it; a worker that has none counts too.
    """
    if not owners or workers < 1:
        raise ValueError("nothing to share")
    share = len(owners) / workers
    counts = [*Counter(owners).values()]
    counts += [0] * (workers - len(counts))
    return max(abs(count - share) for count in counts) / share * 100


def worst_figure(scene: str, keys: Sequence[str], unit: str) -> Read:
    """Read the worst of several figures, each of them the median over the rounds."""

    def read(result: Result, server: str) -> Reading | None:
        of_each = [result.values(server, scene, key) for key in keys]
        if not all(of_each):
            return None
        medians = [median(values.values()) for values in of_each]
        shown = ", ".join(f"{value:.2f}" for value in medians)
        enough = all(len(values) >= ROUNDS for values in of_each)
        return Reading(max(medians), f"{shown} {unit}", enough)

    return read


def part_of_gunicorns(scene: str, other: str, key: str) -> Read:
    """Read own figure in a scene / the least of Gunicorn's in another one, in the same round."""

    def read(result: Result, server: str) -> Reading | None:
        least: dict[int, float] = {}
        for name in GUNICORN:
            for number, value in result.values(name, other, key).items():
                least[number] = min(value, least.get(number, value))
        own = result.values(server, scene, key)
        ratios = [own[number] / least[number] for number in own.keys() & least.keys()]
        if not ratios:
            return None
        shown = (
            f"{median(ratios):.2f} x ({median(own.values()):.1f} of {median(least.values()):.1f})"
        )
        return Reading(median(ratios), shown, len(ratios) >= ROUNDS)

    return read
