from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Stage(str, Enum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Sizes:
    stage: Stage
    processes: int = 1
    extra: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stage: Stage) -> Sizes:
        return cls(stage, 3 if stage is Stage.PRODUCTION else 1, {"threads": 2})


STAGE: Final = Stage(os.environ.get("STAGE", "development"))
_sizes: Sizes = Sizes.of(STAGE)

workers: int = _sizes.processes
threads: int = _sizes.extra["threads"]
reload: bool = STAGE is Stage.DEVELOPMENT
reuse_port: bool
