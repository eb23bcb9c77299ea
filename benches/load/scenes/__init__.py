"""The scenes that are no plain load: each module here brings one or more, and their targets."""

from scene import Scene

SCENES: tuple[Scene, ...] = ()
