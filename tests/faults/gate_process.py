"""What a process of its own does in `test_gate_faults.py`: open a workspace, then kill -9 itself at a fault point."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from small_playbooks import CHEAP
from small_world import V1, World

from roadworthy.domain import faults
from roadworthy.domain.gate import Gate
from roadworthy.services.gates.interventions import cancel_gate
from roadworthy.services.gates.run import start_gate


def start(world: World) -> None:
    """Start the validation; nobody carries it out yet."""
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION, CHEAP))


def cancel(world: World) -> None:
    """Cancel the validation that was started."""
    cancel_gate(world.house, world.who("dan"), f"validation-{V1}-1", "wrong data")


FIRST: dict[str, Callable[[World], None]] = {"cancel": start}
"""What a work needs to be there before the point is armed."""

WORKS: dict[str, Callable[[World], object]] = {
    "cancel": cancel,
    "validate": lambda world: world.validate(V1, CHEAP),
    "deploy": lambda world: world.deploy(V1),
    "open": lambda world: world.house.engine.run("gate", f"validation-{V1}-1", {"run": f"validation-{V1}-1"}),
}


def die_at(root: str, work: str, point: str, nth: int, workers: int = 0) -> None:
    """Do the work (checks in `workers` processes); at the `nth` time `point` is reached this process is no more."""
    reached = 0

    def reach() -> None:
        nonlocal reached
        reached += 1
        if reached == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with World.on_disk(Path(root), check_workers=workers) as world:
        if work in FIRST:
            FIRST[work](world)
        faults.arm(point, reach)
        WORKS[work](world)
