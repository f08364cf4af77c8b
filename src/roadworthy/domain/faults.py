"""Named fault points at commit boundaries, armed only by tests.

Code calls `reach("gate.check-recorded")` between a durable effect and the next step; in production that is one
dictionary look-up. A test arms a point with an action (raise, or end the process) to prove that what follows a
crash there is neither lost nor done twice. Every name is listed in `POINTS`, so a test can try them all.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: dict[str, str] = {
    "store.migrated": "control store: opening; tables in today's shape, cards not yet, nothing committed",
    "store.before-upgraded": "control store: opening; tables and cards as they should be, not yet committed",
    "store.after-upgraded": "control store: opening; committed, caller not yet told",
    "store.before-commit": "control store: changes made, transaction not yet committed",
    "store.after-commit": "control store: transaction committed, caller not yet told",
    "artifacts.before-publish": "artifact store: bytes written to a temporary name, not yet visible",
    "decisions.before-sync": "decision log: records written, not yet synced",
    "decisions.after-sync": "decision log: records synced, caller not yet answered",
    "decisions.before-seal": "decision log: segment full, sealed file not yet visible",
    "decisions.before-compact": "decision log: sealed segments read, not yet in the Delta table",
    "decisions.after-compact": "decision log: segments in the Delta table, not yet removed",
    "decisions.forgetting": "decision log: some rows erased, others not yet",
    "gate.look-counted": "gate run: its look at the sealed rows counted, none of them read yet",
    "gate.gathered": "gate run: records read and what still holds taken over, no check begun",
    "gate.begun-noted": "gate run: a check begun and noted as running, not yet done",
    "gate.check-done": "gate run: a check evaluated, its finding not yet recorded",
    "gate.finding-kept": "gate run: a finding recorded, its step not yet",
    "gate.cancelled": "gate run: cancelled in the store, who judges its checks not yet told",
    "gate.before-conclude": "gate run: all checks recorded, conclusion not yet committed",
    "gate.after-conclude": "gate run: conclusion committed, workflow not yet finished",
    "deploy.before-publish": "deployment: committed in the store, configuration not yet published",
    "trust.before-publish": "people: committed in the store, trust root not yet published",
}

_armed: dict[str, Callable[[], None]] = {}


def reach(point: str) -> None:
    """Run what a test armed at this point, if anything."""
    action = _armed.get(point)
    if action is not None:
        action()


def arm(point: str, action: Callable[[], None]) -> None:
    """Arm a fault point (tests only).

    Raises:
        KeyError: the point is not listed in `POINTS`.
    """
    if point not in POINTS:
        raise KeyError(point)
    _armed[point] = action


def disarm_all() -> None:
    """Forget every armed action."""
    _armed.clear()
