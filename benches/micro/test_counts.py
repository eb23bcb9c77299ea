"""Tests of what judges the instruction counts: `pytest benches/micro`."""
# ruff: noqa: S101 - pytest is made of asserts

import json
from pathlib import Path

import pytest
from bounds import Bounds, Count, Maker
from callgrind import read_profile, without_callers

HERE = Maker("x86_64", "1.95.0", "3.11")
NEWER = Maker("x86_64", "1.99.0", "3.14")
BEFORE = Count(instructions=4_000, allocations=5, copies=20)

PROFILE = """\
# callgrind format
events: Ir
summary: 100

ob=/target/release/counted
fl=/src/call.rs
fn=rwsgi_wsgi::call
10 30
11
cob=/lib/libc.so.6
cfn=malloc
calls=4 0
12 400
cfn=rwsgi_wsgi::other
calls=7 0
13 50
cob=/lib/libc.so.6
cfn=__memcpy_avx_unaligned_erms
calls=2 0
+14 60

ob=/lib/libc.so.6
fn=malloc
0 400
cfn=_int_malloc
calls=4 0
0 300

ob=/target/release/counted
fn=rwsgi_wsgi::other
14 50
"""


def test_what_is_called_is_counted_in_its_own_place() -> None:
    """Instructions go to the object that has executed them, calls to who has made them."""
    profile = read_profile(PROFILE, "counted")
    assert profile.instructions == {"counted": 80, "libc.so.6": 400}
    assert profile.calls == {"malloc": 4, "__memcpy_avx_unaligned_erms": 2}
    assert (profile.allocations, profile.copies) == (4, 2)


def test_calls_that_were_made_before_are_left_out() -> None:
    """What is inside them is told in its own place."""
    caller = "ob=/lib/libc.so.6\nfn=(below main)\ncfn=main\ncalls=0 0\n7 480\n\n"
    assert read_profile(caller + PROFILE, "counted") == read_profile(PROFILE, "counted")
    assert "480" not in without_callers(caller + PROFILE)
    assert without_callers(PROFILE) == PROFILE


@pytest.fixture
def bounds(tmp_path: Path) -> Bounds:
    """One case, which may take one per cent more, or ten when another compiler has made it."""
    path = tmp_path / "counts.json"
    margins = {"margin_percent": 1, "margin_percent_elsewhere": 10}
    path.write_text(json.dumps({"made_with": {}, **margins, "cases": {}}))
    Bounds(path).update({"bridge/hello": BEFORE}, HERE)
    return Bounds(path)


def judged(bounds: Bounds, maker: Maker, **measured: float) -> tuple[list[str], list[str]]:
    """Return faults and remarks."""
    counts = {"bridge/hello": Count(**{**vars(BEFORE), **measured})}
    verdict = bounds.judge(counts, maker)
    return verdict.faults, verdict.remarks


def test_what_is_within_its_bounds_passes(bounds: Bounds) -> None:
    """And nothing is said."""
    assert judged(bounds, HERE, instructions=4_040, copies=20.5) == ([], [])
    assert judged(bounds, HERE, instructions=3_960) == ([], [])


def test_a_regression_is_named(bounds: Bounds) -> None:
    """Which case, how much it takes now, how much more that is, and what would pass."""
    faults, _ = judged(bounds, HERE, instructions=4_200)
    assert faults == [
        "`bridge/hello` takes 4,200.0 instructions a run, 200.0 more than it did; "
        "at most 4,040.0 pass"
    ]


def test_one_allocation_is_too_many(bounds: Bounds) -> None:
    """Also where another compiler has another number of instructions."""
    for maker in (HERE, NEWER):
        faults, _ = judged(bounds, maker, allocations=6)
        assert len(faults) == 1


def test_a_gain_is_to_be_kept(bounds: Bounds) -> None:
    """It is said, and does not fail."""
    faults, remarks = judged(bounds, HERE, instructions=3_000)
    assert not faults
    assert "1,000.0 less than it did" in remarks[0]


def test_another_compiler_or_interpreter_is_no_regression(bounds: Bounds) -> None:
    """It gets a wider margin and is told so; much more than that is one all the same."""
    faults, remarks = judged(bounds, NEWER, instructions=4_390, copies=22)
    assert not faults
    assert "made with rustc 1.95.0 and CPython 3.11" in remarks[0]
    faults, _ = judged(bounds, NEWER, instructions=4_500)
    assert len(faults) == 1


def test_another_kind_of_machine_is_not_judged(bounds: Bounds) -> None:
    """It has other instructions."""
    faults, remarks = judged(bounds, Maker("aarch64", "1.95.0", "3.11"), instructions=9_999)
    assert not faults
    assert remarks[0].startswith("not judged")


def test_a_case_without_a_count_fails(bounds: Bounds) -> None:
    """And a count without a case: both are left over from a change that is half done."""
    faults = bounds.judge({"bridge/other": BEFORE}, HERE).faults
    assert len(faults) == 2
    assert faults[0].startswith("`bridge/other` has no count")


def test_a_margin_for_one_figure_is_none_for_the_others(bounds: Bounds) -> None:
    """A case may have something that repeats less well than the rest."""
    bounds.data["cases"]["bridge/hello"]["margin_percent_copies"] = 50
    assert judged(bounds, HERE, copies=BEFORE.copies * 1.4) == ([], [])
    assert len(judged(bounds, HERE, copies=BEFORE.copies * 1.6)[0]) == 1
    assert len(judged(bounds, HERE, instructions=BEFORE.instructions * 1.02)[0]) == 1


def test_an_update_keeps_the_margins(bounds: Bounds) -> None:
    """They are set by hand."""
    bounds.data["cases"]["bridge/hello"]["margin_percent"] = 50
    bounds.update({"bridge/hello": Count(100, 0, 0)}, NEWER)
    again = Bounds(bounds.path)
    assert again.judge({"bridge/hello": Count(149, 0, 0)}, NEWER).faults == []
    assert len(again.judge({"bridge/hello": Count(151, 0, 0)}, NEWER).faults) == 1
