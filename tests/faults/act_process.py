"""What a process of its own does in `test_every_commit_killed.py`: open a workspace, act, and kill -9 itself."""

from __future__ import annotations

import os
import signal
from datetime import datetime
from pathlib import Path

from acts import ACTS
from small_world import World

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.domain import faults

FOUND = "found an installation"
"""The act of opening an empty workspace."""


def die_in(root: str, url: str, now: datetime, name: str, point: str, nth: int) -> None:
    """Do the act at a time; at the `nth` time `point` is reached there is no process any more."""
    reached = 0

    def reach() -> None:
        nonlocal reached
        reached += 1
        if reached == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    if name == FOUND:
        faults.arm(point, reach)
    with World.on(url, Path(root), InlineEngine()) as world:
        if name == FOUND:
            return
        world.clock.advance(now - world.clock.now())
        faults.arm(point, reach)
        ACTS[name].do(world)
