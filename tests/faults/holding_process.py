"""What a process of its own does in `test_left_work.py`: run a gate on the durable engine, and stop in the middle."""

from __future__ import annotations

import time
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from small_playbooks import CHEAP
from small_world import V1, World

from roadworthy.domain import faults
from roadworthy.services.gates.run import adopt_gates, gate_run


def hold(root: str, url: str, executor: str, point: str, there: Event, go_on: Event) -> None:
    """Validate; at `point` say so once, and wait to be killed or to be let go on."""

    def wait() -> None:
        if not there.is_set():
            there.set()
            go_on.wait(120)

    with World.on(url, Path(root), executor=executor) as world:
        faults.arm(point, wait)
        world.validate(V1, CHEAP)


def adopt(root: str, url: str, executor: str, barrier: Barrier) -> None:
    """Open beside others, all of them take up what is left at the same instant, and stay until it is concluded."""
    run = f"validation-{V1}-1"
    with World.on(url, Path(root), executor=executor) as world:
        barrier.wait(60)
        adopt_gates(world.house)
        for _ in range(1200):
            if gate_run(world.house, run).verdict is not None:
                return
            time.sleep(0.05)
