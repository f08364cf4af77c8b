"""What a process of its own does in `test_gate_faults.py`: open a workspace, then kill -9 itself at a fault point."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from small_playbooks import CHEAP
from small_world import V1, World

from roadworthy.domain import faults

WORKS: dict[str, Callable[[World], object]] = {
    "validate": lambda world: world.validate(V1, CHEAP),
    "deploy": lambda world: world.deploy(V1),
    "open": lambda world: world.house.engine.run("gate", f"validation-{V1}-1", {"run": f"validation-{V1}-1"}),
}


def die_at(root: str, work: str, point: str, nth: int) -> None:
    """Do the work; at the `nth` time `point` is reached there is no process any more."""
    reached = 0

    def reach() -> None:
        nonlocal reached
        reached += 1
        if reached == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with World.on_disk(Path(root)) as world:
        faults.arm(point, reach)
        WORKS[work](world)
