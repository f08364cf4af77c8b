"""The tools that compute findings."""

from __future__ import annotations

from functools import cache
from importlib import metadata

TOOLS = ("roadworthy", "numpy", "scipy", "scikit-learn", "onnxruntime")


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """Read once: looking a version up reads the package's files."""
    return tuple((name, metadata.version(name)) for name in TOOLS)


def tool_versions() -> dict[str, str]:
    """The versions of what computed the findings; they go into the evidence."""
    return dict(_versions())
