"""Tests of what is refused: numbers that others had a part in, and answers that are wrong."""
# ruff: noqa: S101 - pytest is made of asserts

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from noise import STEAL, Noise, Process, Watch, family, read, snapshot, strangers
from plan import Plan, Step
from result import Result
from rounds import TRIES, Rounds
from scene import Column, Scene
from session import BenchError

QUIET, LOUD = Noise("init", 0.01, 0.0), Noise("rustc (7)", 0.45, 0.0)


class Told(Scene):
    """A scene whose figures are told to it, one after the other."""

    name = title = group = "told"
    columns = (Column("cpu_us", "cost"),)

    def __init__(self, figures: list) -> None:
        self.figures = iter(figures)

    def measure(self, options, server, number):
        """Give the next figure, or raise it."""
        figure = next(self.figures)
        if isinstance(figure, Exception):
            raise figure
        return {"cpu_us": figure}


@contextmanager
def child(program: str):
    """Have a process that is ended whatever happens; it has begun to run."""
    command = [sys.executable, "-c", f"print(flush=True)\n{program}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def process(pid: int, parent: int, seconds: float, session: int = 1, started: int = 0) -> Process:
    """Make a process of a machine that does not exist."""
    return Process(pid, f"p{pid}", parent, session, started, seconds)


def known(*processes: Process) -> dict[int, Process]:
    """Make what one look at all processes sees."""
    return {one.pid: one for one in processes}


def ran(scene: Scene, noises: list[Noise], monkeypatch, any_noise: bool = False) -> Result:
    """Run two rounds of one scene while others make these noises."""
    seen = iter(noises)
    monkeypatch.setattr("rounds.Watch", lambda: SimpleNamespace(noise=lambda: next(seen)))
    server = SimpleNamespace(name="mine")
    steps = Plan(tuple(Step(number, scene, server, 1.0) for number in (1, 2)))
    result = Result({}, {}, {"mine": {}}, {})
    Rounds(SimpleNamespace(any_noise=any_noise), steps, result).run()
    return result


def test_a_disturbed_measurement_is_repeated(monkeypatch):
    result = ran(Told([1.0, 2.0, 3.0]), [LOUD, QUIET, QUIET], monkeypatch)
    assert [row.figures["cpu_us"] for row in result.rows] == [2.0, 3.0]
    assert (result.refused, result.failures) == ([], [])


def test_a_row_that_is_always_disturbed_is_refused_and_says_by_whom(monkeypatch):
    result = ran(Told([1.0] * (TRIES + 1)), [LOUD] * TRIES + [QUIET], monkeypatch)
    assert [row.round for row in result.rows] == [2]
    (refusal,) = result.refused
    assert refusal.shown().startswith(
        "round 1, told, mine: others used more than a tenth of a core"
    )
    assert "`rustc (7)` 45%" in refusal.why


def test_noise_is_kept_with_the_number_where_it_is_allowed(monkeypatch):
    result = ran(Told([1.0, 2.0]), [LOUD, LOUD], monkeypatch, any_noise=True)
    assert [row.others for row in result.rows] == [0.45, 0.45]


def test_a_server_that_fails_is_reported_once_and_left_out(monkeypatch):
    result = ran(Told([BenchError("wrong answers")]), [], monkeypatch)
    assert result.failures == ["round 1, told, mine: wrong answers"]


def test_steal_counts_as_noise():
    assert not Noise("init", 0.0, 0.2).quiet
    assert Noise("init", 0.0, 0.2).worst == (0.2, STEAL)


def used_until_busy(watch: Watch, busy: int) -> dict[int, float]:
    """Wait until a process has used a fifth of a second; return pid -> seconds of strangers."""
    while read(busy).seconds < watch.before[busy].seconds + 0.2:
        time.sleep(0.02)
    seen = strangers(watch.before, snapshot(), watch.root)
    return {int(name.rpartition("(")[2].rstrip(")")): seconds for name, seconds in seen.items()}


def test_a_busy_stranger_is_seen():
    """Somebody else may be busier still: the name is not always this one's."""
    with child("import time; time.sleep(100)") as root, child("while True: pass") as busy:
        watch = Watch(root)
        assert used_until_busy(watch, busy)[busy] >= 0.15
        assert not watch.noise().quiet


def test_what_belongs_to_the_measurement_is_no_noise():
    with child("while True: pass") as busy:
        assert busy not in used_until_busy(Watch(os.getpid()), busy)


def test_a_daemon_that_lost_its_parent_still_belongs_to_its_server():
    server = process(10, parent=5, seconds=0, session=10)
    orphan = process(11, parent=1, seconds=0, session=10)
    assert family(known(server, orphan, process(12, parent=1, seconds=0)), root=5) == {5, 10, 11}


def test_a_compiler_that_came_and_went_shows_in_who_called_it():
    before = known(process(7, parent=1, seconds=1.0))
    after = known(process(7, parent=1, seconds=3.0))
    assert strangers(before, after, root=5) == {"p7 (7)": 2.0}


def test_what_an_ended_child_had_used_before_does_not_count():
    before = known(process(7, parent=1, seconds=1.0), process(8, parent=7, seconds=60.0))
    after = known(process(7, parent=1, seconds=61.5))
    assert strangers(before, after, root=5) == {"p7 (7)": 0.5}


def test_the_kernels_own_threads_are_nobody():
    assert strangers({}, known(process(2, 0, 9.0), process(9, parent=2, seconds=9.0)), 5) == {}


def test_a_number_that_is_used_again_is_another_process():
    before = known(process(7, parent=1, seconds=50.0))
    after = known(process(7, parent=1, seconds=2.0, started=99))
    assert strangers(before, after, root=5) == {"p7 (7)": 2.0}


@pytest.mark.parametrize(("passed", "left"), [(1.0, "0 min 01 s"), (60.0, "1 min 00 s")])
def test_the_time_that_is_left_follows_the_time_that_was_taken(passed, left):
    steps = tuple(Step(number, Told([]), SimpleNamespace(name="mine"), 1.0) for number in (1, 2))
    assert Plan(steps).left(steps[0], passed) == left
