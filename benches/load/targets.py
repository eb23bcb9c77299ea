"""The targets that rwsgi has set itself, and the verdict on each.

A target is judged only by a run that can bear it: three rounds for a time, 10,000 requests for
flat memory. Anything less is shown and called too short. A ratio is taken within a round, since a
slow minute of the machine slows both of its parts, and its median over the rounds is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from result import Result, Verdict
from servers import OWN

ROUNDS = 3

MET, MISSED, SHORT, ABSENT = "met", "MISSED", "too short to judge", "not measured"


@dataclass(frozen=True)
class Reading:
    """A value, how it is written, and whether the run was long enough to judge it."""

    value: float
    shown: str
    enough: bool = True


Read = Callable[[Result, str], Reading | None]
"""Reads a value of a server from a result; None when it was not measured."""


@dataclass(frozen=True)
class Target:
    """One line of the table. `better` is `less` (value <= limit) or `more` (value >= limit)."""

    text: str
    scene: str
    value: Read
    limit: float
    unit: str = ""
    better: str = "less"
    servers: tuple[str, ...] = OWN

    def judge(self, result: Result, server: str) -> Verdict:
        """Compare what was reached with what was to be reached."""
        sign = "≤" if self.better == "less" else "≥"
        limit = f"{sign} {self.limit:g} {self.unit}".rstrip()
        reading = self.value(result, server)
        if reading is None:
            return Verdict(self.text, server, "-", limit, ABSENT)
        less = reading.value <= self.limit
        reached = less if self.better == "less" else reading.value >= self.limit
        judged = (MET if reached else MISSED) if reading.enough else SHORT
        return Verdict(self.text, server, reading.shown, limit, judged)


def judge(result: Result, targets: Iterable[Target], scenes: Iterable[str]) -> list[Verdict]:
    """Judge the targets of the scenes that were run; a host that was left out gets no row."""
    chosen = {*scenes}
    return [
        target.judge(result, server)
        for target in targets
        if target.scene in chosen
        for server in result.servers
        if server in target.servers
    ]


def figure(scene: str, key: str, unit: str, digits: int = 2) -> Read:
    """Read the median of a figure."""

    def read(result: Result, server: str) -> Reading | None:
        values = result.values(server, scene, key)
        if not values:
            return None
        value = median(values.values())
        return Reading(value, f"{value:,.{digits}f} {unit}", len(values) >= ROUNDS)

    return read


def reading(pairs: dict[int, float], remark: str) -> Reading | None:
    """Turn round -> ratio into the median of them."""
    if not pairs:
        return None
    value = median(pairs.values())
    return Reading(value, f"{value:.2f} x{remark}", len(pairs) >= ROUNDS)


def over_best_peer(scene: str, key: str = "cpu_us", names: tuple[str, ...] | None = None) -> Read:
    """Read own cost / least cost of any peer, or of those that are named."""

    def read(result: Result, server: str) -> Reading | None:
        best = best_peers(result, scene, key, names, min)
        own = result.values(server, scene, key)
        ratios = {number: own[number] / best[number][0] for number in own.keys() & best.keys()}
        return reading(ratios, named(best))

    return read


def best_peer_over(scene: str, names: tuple[str, ...], key: str = "cpu_us") -> Read:
    """Read least cost of the peers that are named / own cost."""

    def read(result: Result, server: str) -> Reading | None:
        best = best_peers(result, scene, key, names, min)
        own = result.values(server, scene, key)
        ratios = {number: best[number][0] / own[number] for number in own.keys() & best.keys()}
        return reading(ratios, named(best))

    return read


def rate_over_best_peer(scene: str, names: tuple[str, ...]) -> Read:
    """Read own requests/s / the most requests/s of the peers that are named."""

    def read(result: Result, server: str) -> Reading | None:
        best = best_peers(result, scene, "rate", names, max)
        own = result.values(server, scene, "rate")
        ratios = {number: own[number] / best[number][0] for number in own.keys() & best.keys()}
        return reading(ratios, named(best))

    return read


def over_other_scene(scene: str, other: str, key: str = "cpu_us") -> Read:
    """Read own figure in a scene / own figure in another one."""

    def read(result: Result, server: str) -> Reading | None:
        mine, base = result.values(server, scene, key), result.values(server, other, key)
        ratios = {number: mine[number] / base[number] for number in mine.keys() & base.keys()}
        return reading(ratios, "")

    return read


def best_peers(
    result: Result, scene: str, key: str, names: tuple[str, ...] | None, choose: Callable
) -> dict[int, tuple[float, str]]:
    """Return round -> (figure, server) of the peer that is best in that round."""
    found: dict[int, tuple[float, str]] = {}
    for name in result.servers:
        if not result.servers[name]["peer"] or (names is not None and name not in names):
            continue
        for number, value in result.values(name, scene, key).items():
            found[number] = choose(found.get(number, (value, name)), (value, name))
    return found


def named(best: dict[int, tuple[float, str]]) -> str:
    """Say which peers were the best ones."""
    names = sorted({name for _, name in best.values()})
    return f" (best peer: {', '.join(names)})" if names else ""


GUNICORN = ("gunicorn-sync", "gunicorn-gthread", "gunicorn-gevent")
GRANIAN = ("granian", "granian-bt1")
TARGETS = (
    Target("hello, CPU", "hello", figure("hello", "cpu_us", "µs"), 6.5, "µs/request"),
    Target("hello, CPU / best peer's", "hello", over_best_peer("hello"), 1.0),
    Target(
        "hello, 2 workers, requests/s / Granian's",
        "hello-w2",
        rate_over_best_peer("hello-w2", GRANIAN),
        2.3,
        better="more",
    ),
    Target(
        "hello, 2 workers, requests/s / Gunicorn's",
        "hello-w2",
        rate_over_best_peer("hello-w2", GUNICORN),
        9,
        better="more",
    ),
    Target("hello without keep-alive, CPU / best peer's", "hello-close",
           over_best_peer("hello-close"), 1.0),
    Target("Django JSON, CPU / floor", "django",
           figure("django", "times_floor", "x"), 1.2, "x floor"),
    Target("Django JSON, Gunicorn's CPU / ours", "django",
           best_peer_over("django", GUNICORN), 2.1, better="more"),
    Target("Django JSON, Granian's CPU / ours", "django",
           best_peer_over("django", GRANIAN), 1.2, better="more"),
    Target("Django JSON, CPU / bjoern's", "django",
           over_best_peer("django", names=("bjoern",)), 1.0),
    Target("Django + template + SQLite, CPU / floor", "django-rows",
           figure("django-rows", "times_floor", "x"), 1.08, "x floor"),
    Target("Django JSON, CPU with 4 threads / with 1", "django-t4",
           over_other_scene("django-t4", "django"), 1.15),
    Target("Django JSON, CPU with 16 threads / with 1", "django-t16",
           over_other_scene("django-t16", "django"), 1.15),
    Target("sleep 20 ms, 16 threads", "sleep-t16",
           figure("sleep-t16", "rate", "requests/s", digits=0), 760, "requests/s", better="more"),
    Target("upload 10 MiB, CPU / best peer's", "upload-10m", over_best_peer("upload-10m"), 1.0),
    Target("upload 10 MiB in chunks, CPU / best peer's", "upload-10m-chunked",
           over_best_peer("upload-10m-chunked"), 1.0),
    Target("download 10 MiB file, CPU / best peer's", "download-file",
           over_best_peer("download-file"), 1.0),
    Target("download 1,000 chunks, CPU / best peer's", "download-chunks",
           over_best_peer("download-chunks"), 1.0),
    Target("hello on one core, CPU", "hello-core",
           figure("hello-core", "cpu_us", "µs"), 6.5, "µs/request"),
    Target("hello on one core, CPU / best peer's", "hello-core",
           over_best_peer("hello-core"), 1.0),
    Target("first process's memory", "hello",
           figure("hello", "master_pss", "MiB"), 4, "MiB PSS", servers=("rwsgi-native",)),
)  # fmt: skip
