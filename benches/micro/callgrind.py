"""Reads a profile that callgrind has written with names and numbers in full.

The format: `ob=` and `fn=` say in which object and function the lines below them are, a line
`NUMBER COST` is what a source line has cost. `cob=` and `cfn=` name what is called, `calls=` how
often, and the line behind that is what the callee has cost, which is told again in its own place.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ALLOCATIONS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
# The C library has one for each kind of processor: `__memcpy_avx_unaligned_erms`.
COPIES = re.compile(r"(__)?mem(cpy|move)(_\w+)?")


@dataclass(frozen=True)
class Profile:
    """Instructions by object, and how often the program itself called what of the others."""

    instructions: Counter[str]
    calls: Counter[str]

    @property
    def allocations(self) -> int:
        """Calls of the allocator."""
        return sum(count for name, count in self.calls.items() if name in ALLOCATIONS)

    @property
    def copies(self) -> int:
        """Copies that were not so small that the compiler did them itself."""
        return sum(count for name, count in self.calls.items() if COPIES.fullmatch(name))


def without_callers(profile: str) -> str:
    """Leave out the calls from before, that led to what was collected and still go on.

    They are said to have been made no times, and callgrind_annotate takes the cost of such a call
    for that of the caller itself.
    """
    return re.sub(r"^calls=0 .*\n.*\n", "", profile, flags=re.MULTILINE)


def read_profile(profile: str, program: str) -> Profile:
    """Read the profile of the program whose file has this name."""
    instructions: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    here = there = callee = ""
    is_told_elsewhere = False
    for line in profile.splitlines():
        key, _, value = line.partition("=")
        if is_told_elsewhere:
            is_told_elsewhere = False
        elif key == "ob":
            here = there = Path(value).name
        elif key == "cob":
            there = Path(value).name
        elif key == "cfn":
            callee = value
        elif key == "calls":
            if here == program and there != program:
                calls[callee] += int(value.split()[0])
            there = here
            is_told_elsewhere = True
        elif line[:1].isdigit():
            # A line that has cost nothing stands alone.
            _, *cost = line.split()
            instructions[here] += int(cost[0]) if cost else 0
    return Profile(instructions, calls)
