"""What the folder beside this one, `benches/load`, has and these programs need too.

Programs are started as a folder, so only their own modules are found without this.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "load"))

from accounting import cpu_seconds, private_dirty_kib, pss_kib, rss_kib
from flat import workers_of
from launch import Launch, Question
from machine import facts
from options import at_least
from report import table_section
from scenes import slow_clients
from scenes.idle import wake_ups
from servers import Server, Start, own
from session import BenchError, Session, environment, free_port, running
from sites import DEMO_SITE
from workload import Workload
from workloads import DJANGO, HELLO
from wrk import Traffic, load

__all__ = [
    "DEMO_SITE",
    "DJANGO",
    "HELLO",
    "BenchError",
    "Launch",
    "Question",
    "Server",
    "Session",
    "Start",
    "Traffic",
    "Workload",
    "at_least",
    "cpu_seconds",
    "environment",
    "facts",
    "free_port",
    "load",
    "own",
    "private_dirty_kib",
    "pss_kib",
    "rss_kib",
    "running",
    "slow_clients",
    "table_section",
    "wake_ups",
    "workers_of",
]
