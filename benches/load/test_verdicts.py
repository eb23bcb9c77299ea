"""Tests of what is made of the numbers: verdicts, tables, charts."""
# ruff: noqa: S101 - pytest is made of asserts

import pytest
from chart import charts
from flat import FLAT, figures_of
from peers import PEERS
from report import markdown
from result import Floor, Result, Row
from targets import ABSENT, MET, MISSED, SHORT, TARGETS, judge
from workloads import HELLO

OURS = "rwsgi-native"


def result_of(costs: dict[tuple[str, str], list[float]], key: str = "cpu_us") -> Result:
    """Make a result of (server, scene) -> figure in each round."""
    servers = {server: {"interpreter": "python", "peer": server in PEERS} for server, _ in costs}
    rows = [
        Row(server, scene, number, {key: value})
        for (server, scene), values in costs.items()
        for number, value in enumerate(values, 1)
    ]
    about = {"version": "1", "python": "3"}
    known = {name: {**known, **about} for name, known in servers.items()}
    return Result(options={}, machine={}, servers=known, left_out={}, rows=rows)


def verdict_of(text: str, result: Result) -> str:
    """Judge one target for the native binary."""
    (target,) = [target for target in (*TARGETS, *FLAT.targets) if target.text == text]
    return target.judge(result, OURS).verdict


def flat_verdict(samples_kib: list[int], requests: int = 10_000) -> str:
    """Judge one row of memory samples."""
    result = result_of({(OURS, "memory"): [0]})
    result.rows = [Row(OURS, "memory", 1, figures_of(samples_kib, requests))]
    return verdict_of("worker's memory, 10,000 x 1 MiB up and down", result)


@pytest.mark.parametrize(
    ("costs", "verdict"),
    [([6.5] * 3, MET), ([6.6, 6.6, 1.0], MISSED), ([1.0] * 2, SHORT), ([], ABSENT)],
)
def test_a_cost_is_judged_by_its_median(costs, verdict):
    result = result_of({(OURS, "hello"): costs})
    assert verdict_of("hello, CPU", result) == verdict


def test_the_best_peer_is_another_one_in_each_round():
    costs = {
        (OURS, "hello"): [10.0, 20.0, 30.0],
        ("bjoern", "hello"): [11.0, 40.0, 31.0],
        ("fastwsgi", "hello"): [50.0, 21.0, 29.0],
    }
    assert verdict_of("hello, CPU / best peer's", result_of(costs)) == MET
    costs[("fastwsgi", "hello")][1] = 19.0
    assert verdict_of("hello, CPU / best peer's", result_of(costs)) == MISSED


def test_a_slow_minute_that_slows_both_changes_no_ratio():
    costs = {(OURS, "django"): [100.0, 300.0, 100.0], ("granian-bt1", "django"): [120, 360, 120]}
    assert verdict_of("Django JSON, Granian's CPU / ours", result_of(costs)) == MET
    assert verdict_of("Django JSON, Gunicorn's CPU / ours", result_of(costs)) == ABSENT


def test_throughput_is_compared_with_the_fastest():
    rates = {
        (OURS, "hello-w2"): [230.0] * 3,
        ("granian", "hello-w2"): [50.0] * 3,
        ("granian-bt1", "hello-w2"): [100.0] * 3,
    }
    text = "hello, 2 workers, requests/s / Granian's"
    assert verdict_of(text, result_of(rates, "rate")) == MET
    rates[("granian", "hello-w2")] = [101.0] * 3
    assert verdict_of(text, result_of(rates, "rate")) == MISSED


def test_only_the_scenes_that_ran_are_judged():
    result = result_of({(OURS, "hello"): [5.0] * 3})
    assert {verdict.verdict for verdict in judge(result, TARGETS, ["hello"])} == {MET, ABSENT}
    assert judge(result, TARGETS, []) == []


def test_a_floor_belongs_to_its_scene_its_round_and_its_interpreter():
    result = result_of({(OURS, "django"): [120.0]})
    result.floors = [Floor("django", "python", 1, 100.0), Floor("django", "other", 2, 1.0)]
    found = [result.floor(OURS, *asked) for asked in (("django", 1), ("django", 2), ("hello", 1))]
    assert found == [100.0, None, None]


def test_an_allocator_that_takes_and_gives_back_is_flat():
    assert flat_verdict([20_000] + [30_000, 50_000] * 10) == MET


def test_a_leak_is_not_flat():
    assert flat_verdict([20_000 + step * 450 for step in range(21)]) == MISSED


def test_few_requests_do_not_judge_memory():
    assert flat_verdict([1] * 21, requests=9_999) == SHORT


def test_the_report_shows_what_was_measured_and_what_was_not():
    result = result_of({(OURS, "hello"): [5.0, 7.0], ("bjoern", "hello"): [6.5]})
    result.left_out["fastwsgi"] = "does not install"
    page = markdown(result, [HELLO])
    assert "| rwsgi-native | 6.00           | 5.00 - 7.00" in page
    assert page.index("| rwsgi-native | 6.00") < page.index("| bjoern ")
    assert "- fastwsgi: does not install" in page
    assert ">rwsgi-native</text>" in charts(result, [HELLO])["hello"]
