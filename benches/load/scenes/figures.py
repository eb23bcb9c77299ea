"""The arithmetic of the scenes: what is computed from samples, apart from how they are taken."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean


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
