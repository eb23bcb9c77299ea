"""Its import lasts until somebody opens the pipe that WAIT_FOR names for writing."""

import os

from broken import application

__all__ = ["application"]

with open(os.environ["WAIT_FOR"]) as pipe:
    pipe.read()
