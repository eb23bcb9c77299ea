"""Needs a module that nobody has."""

import nonexistent_dependency  # noqa: F401
