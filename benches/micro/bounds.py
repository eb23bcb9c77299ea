"""What was counted, against `counts.json`, which says how much it may be."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

COUNTED = ("instructions", "allocations", "copies")
UPDATE = "make counts ARGS=--update"


@dataclass(frozen=True)
class Count:
    """One case: what it needs on average each time that it is run."""

    instructions: float
    allocations: float
    copies: float


@dataclass(frozen=True)
class Maker:
    """What has a say in how many instructions our own code has, beside the code."""

    machine: str
    rustc: str
    cpython: str

    def shown(self) -> str:
        """As a person reads it."""
        return f"rustc {self.rustc} and CPython {self.cpython} on {self.machine}"


@dataclass(frozen=True)
class Verdict:
    """What is wrong, and what else there is to say."""

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Bounds:
    """The file: counts, what they were made with, and the margins."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        self.path = path
        self.data = json.loads(path.read_text())

    def judge(self, counts: dict[str, Count], maker: Maker) -> Verdict:
        """Compare. Machines of another kind have other instructions, so nothing is judged there."""
        verdict = Verdict()
        theirs = Maker(**self.data["made_with"])
        if maker.machine != theirs.machine:
            verdict.remarks.append(f"not judged: the bounds were made with {theirs.shown()}")
            return verdict
        if maker != theirs:
            verdict.remarks.append(
                f"the bounds were made with {theirs.shown()}, this is {maker.shown()}: "
                f"up to {self.data['margin_percent_elsewhere']} % more are let pass"
            )
        known = self.data["cases"]
        verdict.faults.extend(
            f"`{name}` has no count: {UPDATE}" for name in sorted(counts.keys() - known.keys())
        )
        verdict.faults.extend(
            f"`{name}` has a count, but there is no such case: {UPDATE}"
            for name in sorted(known.keys() - counts.keys())
        )
        for name in [name for name in counts if name in known]:
            for what in COUNTED:
                margin = self._margin(known[name], what, maker == theirs)
                _compare(verdict, (name, what), (known[name][what], margin), counts[name])
        return verdict

    def _margin(self, known: dict[str, float], what: str, is_same: bool) -> float:
        """How much more of it passes: never less than every other time one."""
        of_case = known.get("margin_percent", self.data["margin_percent"])
        percent = known.get(f"margin_percent_{what}", of_case)
        # Neither the compiler nor the interpreter decides how often our code allocates.
        if not is_same and what != "allocations":
            percent = max(percent, self.data["margin_percent_elsewhere"])
        return max(0.5, known[what] * percent / 100)

    def update(self, counts: dict[str, Count], maker: Maker) -> None:
        """Write what was counted; the margins stay."""
        before = self.data["cases"]
        cases = {name: before.get(name, {}) | asdict(count) for name, count in counts.items()}
        self.data |= {"made_with": asdict(maker), "cases": cases}
        self.path.write_text(json.dumps(self.data, indent=2) + "\n")


def _compare(
    verdict: Verdict, which: tuple[str, str], known: tuple[float, float], count: Count
) -> None:
    (name, what), (expected, margin) = which, known
    measured = getattr(count, what)
    times = f"`{name}` takes {measured:,.1f} {what} a run"
    if measured > expected + margin:
        verdict.faults.append(
            f"{times}, {measured - expected:,.1f} more than it did; "
            f"at most {expected + margin:,.1f} pass"
        )
    elif measured < expected - margin:
        verdict.remarks.append(f"{times}, {expected - measured:,.1f} less than it did: {UPDATE}")
