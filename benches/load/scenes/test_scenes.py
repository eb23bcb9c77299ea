"""Tests of the arithmetic of the scenes: what they make of what they saw."""
# ruff: noqa: S101 - pytest is made of asserts

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from accounting import members
from result import Result, Row
from servers import Server
from session import BenchError
from targets import MET, MISSED, SHORT

from scenes import SCENES, idle, nginx
from scenes.balance import coming_and_going, staying
from scenes.connections import Connection, Seen
from scenes.crowd import CROWDS, compared
from scenes.figures import part_of_gunicorns, percentile, ratio_between, worst_share
from scenes.kill import Witness
from scenes.kill import figures as losses
from scenes.overload import Offer, Outcome, note
from scenes.stage import MANY, Words
from scenes.stand_in import Asked

NATIVE, GUNICORN = "rwsgi-native", "gunicorn-sync"


def server_named(name: str) -> Server:
    """Make a server of which nothing but the name counts."""
    return Server(name, Path(sys.executable), Path(sys.executable), lambda _: [], version="0")


def result_of(rows: list[Row]) -> Result:
    """Make a result about ours and one Gunicorn."""
    servers = {NATIVE: {}, GUNICORN: {}}
    return Result(options={}, machine={}, servers=servers, left_out={}, rows=rows)


def rows_of(server: str, scene: str, key: str, *values: float) -> list[Row]:
    """Make a row for each round."""
    return [Row(server, scene, at, {key: value}) for at, value in enumerate(values, 1)]


def verdicts(scene_name: str, rows: list[Row]) -> list[str]:
    """Judge the targets of one scene for the native binary."""
    (scene,) = (scene for scene in SCENES if scene.name == scene_name)
    return [target.judge(result_of(rows), NATIVE).verdict for target in scene.targets]


def seen(status: int = 200, seconds: float = 0.1, worker: str = "1", lost: str = "") -> Seen:
    """Make the end of a request."""
    head = f"HTTP/1.1 {status} X\r\nX-Worker: {worker}".encode()
    return Seen(Connection.__new__(Connection), seconds, status, head, True, lost)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)]
)
def test_a_percentile_is_one_of_the_values(percent, value):
    assert percentile(range(100, 0, -1), percent) == value


def test_the_percentile_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_what_changes_evenly_is_no_difference():
    assert ratio_between(100, 90, 80) == pytest.approx(1.0)
    assert ratio_between(100, 45, 80) == pytest.approx(0.5)
    assert ratio_between(0, 45, 0) == 0.0


@pytest.mark.parametrize(
    ("owners", "workers", "worst"),
    [("aabb", 2, 0), ("aaab", 2, 50), ("aaa", 3, 200), ("ab" * 15 + "c" * 30, 3, 50)],
)
def test_the_worst_share_is_that_of_the_worker_that_is_farthest_off(owners, workers, worst):
    assert worst_share([*owners], workers) == pytest.approx(worst)


def test_connections_that_come_and_go_do_so_alike_in_each_run():
    one, other = coming_and_going(1), coming_and_going(1)
    lives = [one() for _ in range(100)]
    assert lives == [other() for _ in range(100)]
    assert min(lives) >= 1
    assert staying() > 1 << 50


def test_a_crowd_is_compared_with_the_loads_around_it():
    figures = compared((100.0, 2.0, 9.0), (45.0, 3.0, 10.0), (80.0, 4.0, 9.0))
    assert figures["rate_ratio"] == pytest.approx(0.5)
    assert figures["p99_ratio"] == pytest.approx(1.0)
    assert (figures["p99_after"], figures["cpu"], figures["rate"]) == (4.0, 10.0, 45.0)


def test_a_server_that_serves_nobody_beside_a_crowd_has_no_p99():
    figures = compared((100.0, 2.0, 9.0), (0.0, 0.0, 0.0), (80.0, 4.0, 9.0))
    assert figures["rate_ratio"] == 0.0
    assert "p99_ratio" not in figures
    with pytest.raises(BenchError, match="no request was answered"):
        compared((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))


def crowd_verdicts(name: str, rate: float, p99: float, noise: float, rounds: int = 3) -> list[str]:
    """Judge rounds that are all alike, but that one p99 after the crowd is another."""
    figures = {"rate_ratio": rate, "p99_ratio": p99, "p99_before": 10.0, "p99_after": 10.0}
    rows = [Row(NATIVE, name, at, figures) for at in range(1, rounds + 1)]
    rows[0] = Row(NATIVE, name, 1, {**figures, "p99_after": 10.0 * noise})
    return verdicts(name, rows)


@pytest.mark.parametrize("name", [scene.name for scene in CROWDS])
def test_a_crowd_may_cost_a_tenth(name):
    assert crowd_verdicts(name, 0.9, 1.1, 1.0) == [MET, MET]
    assert crowd_verdicts(name, 0.89, 1.11, 1.0) == [MISSED, MISSED]
    assert crowd_verdicts(name, 0.9, 1.1, 1.0, rounds=2) == [SHORT, SHORT]


@pytest.mark.parametrize("noise", [1.2, 1 / 1.2])
def test_a_p99_that_differs_anyway_is_not_missed(noise):
    assert crowd_verdicts("idle-1000", 1.0, 1.15, noise) == [MET, SHORT]
    assert crowd_verdicts("idle-1000", 1.0, 1.05, noise) == [MET, MET]


def test_an_offer_counts_what_came_in_time():
    outcome = Outcome(Offer("/", rate=5.0, seconds=2.0))
    waits = (0.5, 1.0, 1.1, 3.0)
    for ended in [*(seen(seconds=wait) for wait in waits), seen(503), seen(lost="cut")]:
        note(outcome, ended)
    figures = outcome.figures()
    assert (figures["offered"], figures["in_time"], figures["answered"]) == (5.0, 1.0, 2.0)
    assert (figures["refused"], figures["unanswered"]) == (0.5, 2.5)
    assert (figures["p50_ms"], figures["p99_ms"]) == (1000.0, 3000.0)


def test_an_offer_that_nobody_answers_has_no_percentile():
    assert "p99_ms" not in Outcome(Offer("/", 5.0, 2.0)).figures()


def test_lost_is_whatever_was_not_answered_200():
    witness = Witness()
    for ended in (seen(worker="1"), seen(worker="2", seconds=0.3), seen(502), seen(lost="cut")):
        witness.note(ended)
    figures = losses(witness, 0.25)
    assert (figures["lost"], figures["cut"], figures["refused"]) == (2, 1, 0)
    assert (figures["answered"], figures["slowest_ms"], figures["strength_ms"]) == (2, 300, 250)
    assert witness.workers == Counter({"1": 1, "2": 1})


def test_memory_is_compared_with_the_thriftiest_gunicorn_of_the_same_round():
    rows = rows_of(NATIVE, "a", "rest", 50.0, 60.0, 70.0)
    rows += rows_of(GUNICORN, "b", "rest", 100.0, 100.0, 100.0)
    rows += rows_of("gunicorn-gthread", "b", "rest", 200.0, 200.0, 50.0)
    result = result_of(rows)
    reading = part_of_gunicorns("a", "b", "rest")(result, NATIVE)
    assert (reading.value, reading.enough) == (0.6, True)
    assert part_of_gunicorns("a", "c", "rest")(result, NATIVE) is None


def test_preload_is_compared_with_a_gunicorn_without():
    rows = rows_of(GUNICORN, "memory-w3", "rest", 100.0, 100.0, 100.0)
    rows += rows_of(GUNICORN, "memory-w3-preload", "rest", 40.0, 40.0, 40.0)
    rows += rows_of(NATIVE, "memory-w3-preload", "rest", 50.0, 50.0, 50.0)
    assert verdicts("memory-w3-preload", rows)[0] == MET


def test_balance_is_judged_by_the_worse_number_of_workers():
    def rows(worse: float) -> list[Row]:
        kept = {"kept_2": 0.0, "kept_3": worse, "churn_2": worse, "churn_3": 10.0}
        return [Row(NATIVE, "balance", number, kept) for number in (1, 2, 3)]

    assert verdicts("balance", rows(10.0)) == [MET, MET]
    assert verdicts("balance", rows(10.1)) == [MISSED, MISSED]


def test_the_slowest_health_answer_counts():
    asked = Asked(kept=[0.001] * 199 + [0.0051], fresh=[0.002])
    figures = asked.figures()
    assert figures["p99_ms"] == 1.0
    assert figures["max_ms"] == pytest.approx(5.1)
    rows = [Row(NATIVE, "stand-in", number, figures) for number in (1, 2, 3)]
    assert verdicts("stand-in", rows) == [MISSED]


def test_threads_that_are_new_have_woken_up_as_often_as_they_say():
    assert idle.between({"1": 5, "2": 7}, {"1": 6, "3": 2}) == 3


def test_calls_that_strace_interrupts_do_not_count():
    trace = (
        "11 restart_syscall(<... resuming interrupted read ...> <unfinished ...>\n"
        "12 epoll_wait(3,  <unfinished ...>\n"
        "12 <... epoll_wait resumed>[{events=EPOLLIN}], 1, -1) = 1\n"
        '12 read(5, "x", 1) = 1\n'
        "12 futex(0x7f, FUTEX_WAIT_PRIVATE, 2, NULL <detached ...>\n"
        "12 poll([{fd=3}], 1, -1) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)\n"
    )
    assert idle.counted(trace) == 2


@pytest.mark.parametrize(
    ("name", "given"),
    [("rwsgi-wheel", MANY.rwsgi), ("gunicorn-sync", MANY.gunicorn), ("waitress", ())],
)
def test_each_server_is_told_in_its_own_words(name, given):
    assert MANY.to(server_named(name)) == given


def test_who_cannot_be_told_to_refuse_is_not_measured_refusing():
    (scene,) = (scene for scene in SCENES if scene.name == "overload-queue-timeout")
    assert scene.words != Words()
    assert scene.applies(server_named("granian")) is not None


def test_every_scene_has_a_name_of_its_own_and_judges_itself():
    names = [scene.name for scene in SCENES]
    assert len({*names}) == len(names)
    for scene in SCENES:
        keys = [column.key for column in scene.columns]
        assert len({*keys}) == len(keys), scene.name
        assert {target.scene for target in scene.targets} <= {scene.name}


def test_nginx_is_ended_with_all_its_processes(tmp_path):
    with nginx.nginx(tmp_path / "socket") as (pid, _):
        assert len(members(pid)) == 2
    assert members(pid) == []
