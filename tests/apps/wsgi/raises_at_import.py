"""Fails with an exception of its own while it is imported."""

raise RuntimeError("the import fails on purpose")
