"""The situations that are no plain load: each module is one, or two that are alike.

`connections`, `figures` and `stage` are what they have in common, `service` and `certificates` what
those beside nginx have, `slow_clients` is a program.
"""

from .balance import BALANCE, BALANCE_DJANGO
from .boot import Boot
from .crowd import CROWDS
from .handshakes import HANDSHAKES
from .idle import Idle
from .kill import Kill
from .marked import LOADS
from .memory import MEMORY, MEMORY_PRELOAD
from .nginx import BehindNginx
from .overload import OVERLOAD, OVERLOAD_REFUSING
from .stand_in import StandIn
from .views import Views

SCENES = (
    *CROWDS,
    OVERLOAD,
    OVERLOAD_REFUSING,
    BehindNginx(),
    MEMORY,
    MEMORY_PRELOAD,
    Boot(),
    Kill(),
    BALANCE,
    BALANCE_DJANGO,
    Views(),
    StandIn(),
    Idle(),
    *LOADS,
    *HANDSHAKES,
)
