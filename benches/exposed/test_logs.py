"""Tests of the program `logs`: `pytest benches/exposed`.

The last one runs it, with the `rwsgi` beside the python that runs it.
"""
# ruff: noqa: S101 - pytest is made of asserts

import subprocess
import sys
from pathlib import Path

import pytest
from borrowed import BenchError, Traffic
from logs import MISSED, Run, judged, row
from ways import OFF, TEXT, VARIANTS, lines, place_for_one, sent


def runs(*costs: float) -> list[Run]:
    """Make a run for each cost of a request in microseconds."""
    traffic = Traffic(1000, 1.0, p50_ms=1.0, p99_ms=1.0, wrong_status=0, socket_errors=0)
    return [Run(traffic, cpu=cost / 1000, told=0.5) for cost in costs]


def test_a_round_is_compared_with_itself():
    assert judged(runs(8, 10, 9), runs(9, 11, 12)) == "met"
    table = row(TEXT, {OFF.name: runs(8, 10, 9), TEXT.name: runs(9, 11, 12)})
    assert table[1:5] == ["11.00", "9.00 - 12.00", "+1.00", "+1.00 - +3.00"]
    assert table[-1] == "50.0%"


def test_a_dear_log_is_told_unless_the_machine_is_noisier():
    assert judged(runs(8, 8.5, 9), runs(10, 10, 11)) == MISSED
    assert judged(runs(8, 8.5, 9.1), runs(10, 10, 11)).startswith("too noisy to judge (1.10 µs")
    assert judged(runs(8, 8), runs(8, 8)) == "too short to judge"


def test_what_was_told_is_looked_at(tmp_path):
    with place_for_one(tmp_path) as place:
        place.log.write_text("a\nb\n")
        assert lines(place, None) == 2
        with pytest.raises(BenchError, match="no datagram"):
            sent(place, None)
        place.statsd.sendto(b"gunicorn.requests:1|c", place.statsd.getsockname())
        sent(place, None)
        assert place.loggers().endswith(".ini")
    assert [*tmp_path.iterdir()] == []


def test_each_way_of_telling_is_measured(tmp_path):
    command = [sys.executable, str(Path(__file__).parent), "logs", "--out", str(tmp_path)]
    command += ["--rwsgi-wheel", str(Path(sys.executable).with_name("rwsgi"))]
    command += ["--rounds", "1", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    # What it costs is not judged here, where a busy machine would decide.
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bound 1 µs: too short to judge" in done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 1 + len(VARIANTS), done.stdout
