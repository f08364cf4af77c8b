"""Work items: opened by whatever found a defect, closed only by passing the gate they name."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.errors import SettingError
from roadworthy.domain.gate import GateRun
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WAY_BACK, DefectKind, WorkItem, WorkItemState
from roadworthy.domain.trust import Person
from roadworthy.domain.verdict import Verdict
from roadworthy.services.house import PLATFORM, House

MAX_GENERATIONS = 100
"""How far back a version's ancestors are followed."""


def open_item(
    house: House,
    tx: Transaction,
    version: ModelVersion,
    defect: DefectKind,
    source: str,
    summary: str,
    re_entry: str,
) -> WorkItem:
    """Open a work item, or return the open one for the same defect of the same version."""
    for item in tx.of(WorkItem).find(version=version.id, state=WorkItemState.OPEN):
        if item.defect is defect:
            return item
    item = WorkItem(
        id=f"work-{tx.of(WorkItem).count() + 1}",
        version=version.id,
        use_case=version.use_case,
        defect=defect,
        step=WAY_BACK[defect],
        source=source,
        summary=summary,
        re_entry=re_entry,
        opened_at=house.clock.now(),
    )
    tx.of(WorkItem).add(item)
    house.record(
        tx,
        PLATFORM,
        "work-item-opened",
        version.id,
        summary,
        {"item": item.id, "defect": defect.value, "to": item.step.value},
    )
    return item


def open_for_findings(house: House, tx: Transaction, version: ModelVersion, run: GateRun) -> list[WorkItem]:
    """One work item per defect that a failed gate found."""
    return [
        open_item(house, tx, version, f.defect, f"{f.step.name} {f.check}", f.message, run.gate.value)
        for f in run.findings
        if f.blocks and f.verdict is Verdict.FAIL and f.defect is not None
    ]


def close_passed(house: House, tx: Transaction, version: ModelVersion, run: GateRun) -> list[WorkItem]:
    """Close what this pass has mended: items of the version or its ancestors that name this gate."""
    family = {version.id, *ancestors(tx, version)}
    closed: list[WorkItem] = []
    for item in tx.of(WorkItem).find(use_case=version.use_case, state=WorkItemState.OPEN):
        if item.version in family and item.re_entry == run.gate.value:
            done = replace(item, state=WorkItemState.CLOSED, closed_by=run.id, closed_at=house.clock.now())
            tx.of(WorkItem).replace(item, done)
            house.record(tx, PLATFORM, "work-item-closed", version.id, facts={"item": item.id, "by": run.id})
            closed.append(done)
    return closed


def ancestors(tx: Transaction, version: ModelVersion) -> tuple[str, ...]:
    """Every version this one descends from, nearest first."""
    found: list[str] = []
    waiting = list(version.parents)
    while waiting and len(found) < MAX_GENERATIONS:
        parent = waiting.pop(0)
        if parent not in found:
            found.append(parent)
            waiting.extend(tx.of(ModelVersion).get(parent).parents)
    return tuple(found)


def assign(house: House, actor: Person, item_id: str, assignee: str) -> WorkItem:
    """Give an open work item to a person."""
    house.allow(actor, "review")
    with house.store.begin() as tx:
        item = tx.of(WorkItem).get(item_id)
        tx.of(Person).get(assignee)
        if item.state is not WorkItemState.OPEN:
            raise SettingError(f"{item.id} is closed", remedy="Only open work items are assigned.", item=item.id)
        changed = replace(item, assignee=assignee)
        tx.of(WorkItem).replace(item, changed)
        house.record(tx, actor.id, "work-item-assigned", item.version, facts={"item": item.id, "to": assignee})
    return changed


def work_items(house: House, use_case: str | None = None, *, open_only: bool = False) -> list[WorkItem]:
    """Work items, newest first."""
    with house.store.read() as tx:
        found = tx.of(WorkItem).find(newest_first=True)
    return [
        item
        for item in found
        if (use_case is None or item.use_case == use_case) and (not open_only or item.state is WorkItemState.OPEN)
    ]
