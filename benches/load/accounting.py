"""What the kernel knows of a process tree: its members, CPU time and memory.

Everything is read from outside, in the same way for every server.
"""

import time
from pathlib import Path

CLOCK_OF_PROCESS = 2
"""CPUCLOCK_SCHED: the kind of clock that clock_getcpuclockid(3) names."""


def members(session: int) -> list[int]:
    """Return the living processes of a session (setsid(2)), its leader first when it lives.

    By session and not by parent, so that workers which are forked twice are found too.
    """
    found = [pid for pid in processes() if state_and_session(pid) == ("alive", session)]
    return sorted(found, key=lambda pid: (pid != session, pid))


def cpu_seconds(pids: list[int]) -> dict[int, float]:
    """Return the user and system time that each process has used so far.

    The process's CPU clock has the precision of `schedstat` and counts threads that have
    ended, which the sum over `task/*/schedstat` forgets. Raises OSError for a process that ended.
    """
    return {pid: time.clock_gettime((~pid << 3) | CLOCK_OF_PROCESS) for pid in pids}


def pss_kib(pid: int) -> int:
    """Return the proportional set size: private memory, and the process's part of what it shares.

    From `/proc/PID/smaps_rollup`, proc_pid_smaps(5). Raises OSError for a process that ended.
    """
    return field_kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def rss_kib(pid: int) -> int:
    """Return the resident set size, from the same file: exact, where `status` may lag behind."""
    return field_kib(Path(f"/proc/{pid}/smaps_rollup"), "Rss:")


def private_dirty_kib(pid: int) -> int:
    """Return what the process has written and shares with nobody, from the same file."""
    return field_kib(Path(f"/proc/{pid}/smaps_rollup"), "Private_Dirty:")


def field_kib(file: Path, name: str) -> int:
    """Read one `Name:  123 kB` line."""
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise OSError(f"no {name} in {file}")


def processes() -> list[int]:
    """Return every process id there is."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def state_and_session(pid: int) -> tuple[str, int]:
    """Read state and session of a process, proc_pid_stat(5); a zombie uses nothing any more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "gone", 0
    # The second field, the name in parentheses, may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return "gone" if fields[0] in "ZX" else "alive", int(fields[3])
