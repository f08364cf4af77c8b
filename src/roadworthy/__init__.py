"""Roadworthy: from a trained model to one that earns money in production, and provably still does.

`import roadworthy as rw` gives `rw.open(workspace)` and `rw.connect(url, token)`; both return an `rw.Road`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["Road", "connect", "open"]

_WHERE = {
    "open": ("roadworthy.apps.embedded", "open_workspace"),
    "connect": ("roadworthy.sdk", "connect"),
    "Road": ("roadworthy.sdk", "Road"),
}


def __getattr__(name: str) -> Any:
    """Load the public names at first use: `import roadworthy` alone stays fast."""
    if name not in _WHERE:
        raise AttributeError(f"module 'roadworthy' has no attribute '{name}'")
    module, attribute = _WHERE[name]
    return getattr(import_module(module), attribute)
