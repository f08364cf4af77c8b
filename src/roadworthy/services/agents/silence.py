"""Who has not been heard of: a silent agent is a finding, with a work item that ends when it is heard of again."""

from __future__ import annotations

from datetime import datetime

from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import DefectKind, Origin, WorkItem, WorkItemState
from roadworthy.domain.serving import Agent
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.agents import MONITOR, heard_of
from roadworthy.services.house import House
from roadworthy.services.watch.work_items import close_counted, open_item

GATE = "activation"
"""Where telemetry is audited (A5)."""


def look_for_silence(house: House) -> list[WorkItem]:
    """Open a work item for every version whose agent is silent, and close those of agents that are heard of again.

    Looking again changes nothing. Returns the items that are open now.
    """
    with house.store.read() as tx:
        heard, there = _heard(tx, house.clock.now()), _open(tx)
    if all(bool(silent) == (version in there) for version, silent in heard.items()):
        return list(there.values())
    with house.store.begin() as tx:
        for version, silent in sorted(_heard(tx, house.clock.now()).items()):
            found = tx.of(ModelVersion).get(version)
            if silent:
                open_item(house, tx, found, DefectKind.OPERATIONS_GAP, f"review: {MONITOR}", silent[0], GATE)
            else:
                close_counted(house, tx, found, MONITOR, by="heard of again")
        return list(_open(tx).values())


def _heard(tx: Transaction, now: datetime) -> dict[str, list[str]]:
    """What is to be said of silent agents, by version; every version with an agent is there."""
    found: dict[str, list[str]] = {}
    for agent in tx.of(Agent).find():
        signal = heard_of(agent, now)
        found.setdefault(agent.version, []).extend([signal.message] if signal.verdict is Verdict.FAIL else [])
    return found


def _open(tx: Transaction) -> dict[str, WorkItem]:
    judge = (Origin.MONITOR, MONITOR)
    return {i.version: i for i in tx.of(WorkItem).find(state=WorkItemState.OPEN) if i.judge == judge}
