"""What must be known of the machine to judge a number made on it."""

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path


def facts() -> dict[str, str]:
    """Describe this machine, this moment and the code that is measured."""
    return {
        "made": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "code": commit(),
        "processor": f"{processor()}, {len(os.sched_getaffinity(0))} cores usable",
        "memory": memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": " ".join(f"{average:.2f}" for average in os.getloadavg()),
        "governor": governor(),
        "wrk": first_line("wrk", "-v").partition("Copyright")[0].strip(),
        "h2load": first_line("h2load", "--version"),
    }


def commit() -> str:
    """Name the commit, and say when the tree differs from it."""
    here = Path(__file__).resolve().parent
    name = first_line("git", "-C", str(here), "rev-parse", "--short", "HEAD")
    changed = first_line("git", "-C", str(here), "status", "--porcelain")
    return f"{name or 'unknown'}{' and uncommitted changes' if changed else ''}"


def processor() -> str:
    """Return the processor's name as the kernel gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory() -> str:
    """Return the machine's memory."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{total / 2**30:.1f} GiB"


def governor() -> str:
    """Return how the processor's frequency is chosen, where the kernel has a say in it."""
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else "not visible here"


def first_line(*command: str) -> str:
    """Return the first line that a program prints, or nothing when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].strip()
