"""What was measured, as it is kept: every single run, so that medians can be doubted later."""

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Load:
    """One server under one load in one round. Memory is that of the tree right after the load."""

    server: str
    workload: str
    round: int
    cpu_us: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    requests: int
    socket_errors: int
    master_pss_kib: int
    tree_pss_kib: int

    @property
    def cores(self) -> float:
        """How many cores the server kept busy; below one core it was not the bottleneck."""
        return self.cpu_us * self.requests_per_second / 1e6


@dataclass(frozen=True)
class Floor:
    """The application called in a loop by the interpreter itself: CPU time of one call."""

    interpreter: str
    round: int
    cpu_us: float


@dataclass(frozen=True)
class Flat:
    """Resident memory of a server's workers over many large bodies, in equal steps.

    `samples_kib[0]` was taken before the first request, the others after each step.
    """

    server: str
    requests: int
    samples_kib: list[int]

    @property
    def growth_kib(self) -> int:
        """How far the peak of the second half lies above the peak of the first.

        Peaks, because an allocator that gives memory back between two samples makes any two
        single samples differ by megabytes in either direction.
        """
        after = self.samples_kib[1:]
        half = len(after) // 2
        return max(after[half:]) - max(after[:half])


@dataclass(frozen=True)
class Verdict:
    """One target: what was reached, what was to be reached, and what follows."""

    target: str
    server: str
    value: str
    limit: str
    verdict: str


@dataclass
class Result:
    """Everything that a run of the comparison found out."""

    options: dict
    machine: dict
    servers: dict[str, dict]
    left_out: dict[str, str]
    loads: list[Load] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    flats: list[Flat] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def loads_of(self, server: str, workload: str) -> list[Load]:
        """Return the runs of one row."""
        return [run for run in self.loads if (run.server, run.workload) == (server, workload)]

    def floor_us(self, server: str) -> float | None:
        """Return the median floor of the interpreter that a server runs."""
        costs = list(self.floors_by_round(server).values())
        return median(costs) if costs else None

    def times_floor(self, server: str, workload: str) -> float | None:
        """Return the median of cost / floor of the same round: a slow minute slows both."""
        floors = self.floors_by_round(server)
        runs = [run for run in self.loads_of(server, workload) if run.round in floors]
        return median(run.cpu_us / floors[run.round] for run in runs) if runs else None

    def floors_by_round(self, server: str) -> dict[int, float]:
        """Return round -> floor of the interpreter that a server runs."""
        interpreter = self.servers[server]["interpreter"]
        return {run.round: run.cpu_us for run in self.floors if run.interpreter == interpreter}
