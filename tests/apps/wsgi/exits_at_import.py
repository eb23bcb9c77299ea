"""Ends the process while it is imported: the worker dies before it is ready."""

import os

os._exit(7)
