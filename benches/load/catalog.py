"""Every scene and every target there is."""

from flat import FLAT
from scenes import SCENES as MORE
from targets import TARGETS as OF_WORKLOADS
from workloads import WORKLOADS

SCENES = {scene.name: scene for scene in (*WORKLOADS, FLAT, *MORE)}
TARGETS = (*OF_WORKLOADS, *(target for scene in SCENES.values() for target in scene.targets))
