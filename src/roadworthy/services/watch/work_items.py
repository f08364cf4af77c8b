"""Work items: opened by whatever found a defect, closed only when the same judge finds it gone.

A check that failed must pass in the gate the item names, waived is not passed; a validator who rejected must be
followed by one who approves; a monitor must be quiet in a later review; a rollout must end well. Everything here
runs inside the transaction of whoever found out. What people do with items is in `way_back.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from roadworthy.domain.gate import Finding, GateRun
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import WAY_BACK, DefectKind, Origin, WorkItem, WorkItemState, origin_of
from roadworthy.domain.review import ReviewRun
from roadworthy.domain.storing.query import PAGE, Page
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.agents import MONITOR as AGENTS
from roadworthy.services.facts import forebears
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.watch.lists import listed

MAX_GENERATIONS = 100
"""How far back a version's ancestors are followed."""

COUNTED = frozenset({(Origin.MONITOR, AGENTS)})
"""Judges that count instead of estimating: when they say that a defect is gone, it is."""


def open_item(
    house: House,
    tx: Transaction,
    version: ModelVersion,
    defect: DefectKind,
    source: str,
    summary: str,
    re_entry: str,
) -> WorkItem:
    """The work item of a defect: one per defect kind and judge in a line of descent.

    An open one of the version is left as it is; one of an ancestor moves on to this version; a closed one opens
    again. One on another branch of the lineage stays as it is and is named in the new one.
    """
    mine = {version.id, *ancestors(tx, version)}
    judge = origin_of(source)
    alike = [
        item
        for item in tx.of(WorkItem).find(use_case=version.use_case, newest_first=True)
        if item.defect is defect and item.judge == judge
    ]
    known = next((item for item in alike if item.version in mine), None)
    if known is not None:
        return _again(house, tx, known, version, summary)
    relatives = (item for item in alike if _related(tx, item, mine))
    item = WorkItem(
        id=f"work-{tx.of(WorkItem).count() + 1}",  # writers take turns, and items are never deleted
        version=version.id,
        use_case=version.use_case,
        defect=defect,
        step=WAY_BACK[defect],
        source=source,
        summary=summary,
        re_entry=re_entry,
        opened_at=house.clock.now(),
        earlier=next((item.id for item in relatives), ""),
    )
    tx.of(WorkItem).add(item)
    facts = {"item": item.id, "defect": defect.value, "to": item.step.value}
    house.record(tx, PLATFORM, "work-item-opened", version.id, summary, facts)
    return item


def _again(house: House, tx: Transaction, item: WorkItem, version: ModelVersion, summary: str) -> WorkItem:
    """The item when its defect was seen once more."""
    closed = item.state is WorkItemState.CLOSED
    if not closed and item.version == version.id:
        return item
    before = tuple(v for v in (*item.seen_in, item.version) if v != version.id)
    facts = {"item": item.id, "defect": item.defect.value, "to": item.step.value}
    if not closed:
        moved = replace(item, version=version.id, seen_in=before, summary=summary)
        house.record(tx, PLATFORM, "work-item-still-there", version.id, summary, facts)
    else:
        moved = replace(
            item,
            version=version.id,
            seen_in=before,
            summary=summary,
            state=WorkItemState.OPEN,
            closed_by="",
            closed_at=None,
            successor="",
            reopened=item.reopened + 1,
        )
        facts |= {"was-closed-by": item.closed_by, "times": str(moved.reopened)}
        house.record(tx, PLATFORM, "work-item-reopened", version.id, summary, facts)
    tx.of(WorkItem).replace(item, moved)
    return moved


def open_for_findings(house: House, tx: Transaction, version: ModelVersion, run: GateRun) -> list[WorkItem]:
    """One work item per defect that a failed gate found."""
    return [
        open_item(house, tx, version, f.defect, f"{f.step.name} {f.check}", f.message, run.gate.value)
        for f in run.findings
        if f.blocks and f.verdict is Verdict.FAIL and f.defect is not None
    ]


def close_passed(house: House, tx: Transaction, version: ModelVersion, run: GateRun) -> list[WorkItem]:
    """Close what this passed run has mended: the gate is the one the item names, and its check passed in it.

    A waived finding, and a check the playbook does not ask for, close nothing.
    """
    passed = {f.check for f in run.findings if _passed(f)}

    def gone(item: WorkItem) -> bool:
        origin, check = item.judge
        return item.re_entry == run.gate.value and (
            (origin is Origin.CHECK and check in passed) or origin is Origin.OTHER
        )

    return _close(house, tx, version, run.id, gone)


def close_signed(house: House, tx: Transaction, version: ModelVersion, sign_off: str) -> list[WorkItem]:
    """Close what a rejection opened, now that the validation of this version is approved."""
    return _close(house, tx, version, sign_off, lambda item: item.judge[0] is Origin.SIGN_OFF)


def close_promoted(house: House, tx: Transaction, version: ModelVersion, deployment: str) -> list[WorkItem]:
    """Close what a rollout of an ancestor opened, now that the rollout of this version ended well."""
    return _close(house, tx, version, deployment, lambda item: item.judge[0] is Origin.ROLLOUT)


def close_quiet(house: House, tx: Transaction, version: ModelVersion, run: ReviewRun) -> list[WorkItem]:
    """Close what a monitor opened, now that it is quiet about this version on live traffic.

    Quiet: it measured something, all it measured lets through, and no other monitor proves the same defect.
    """
    proven = {s.defect for s in run.signals if s.verdict is Verdict.FAIL}

    def gone(item: WorkItem) -> bool:
        origin, monitor = item.judge
        said = [s.verdict for s in run.signals if s.monitor == monitor]
        quiet = bool(said) and all(v.lets_through for v in said)
        return origin is Origin.MONITOR and quiet and item.defect not in proven

    return _close(house, tx, version, run.id, gone)


def close_counted(house: House, tx: Transaction, version: ModelVersion, monitor: str, by: str) -> list[WorkItem]:
    """Close what a monitor opened that counts instead of estimating, now that it says the defect is gone."""
    return _close(house, tx, version, by, lambda item: item.judge == (Origin.MONITOR, monitor))


def _passed(finding: Finding) -> bool:
    return finding.verdict.lets_through and not finding.waived


def _close(
    house: House, tx: Transaction, version: ModelVersion, by: str, gone: Callable[[WorkItem], bool]
) -> list[WorkItem]:
    family = {version.id, *ancestors(tx, version)}
    closed: list[WorkItem] = []
    for item in tx.of(WorkItem).find(use_case=version.use_case, state=WorkItemState.OPEN):
        if item.version not in family or not gone(item) or not _may_mend(tx, item, version):
            continue
        done = replace(
            item,
            state=WorkItemState.CLOSED,
            closed_by=by,
            closed_at=house.clock.now(),
            successor=version.id if version.id != item.version else item.successor,
        )
        tx.of(WorkItem).replace(item, done)
        house.record(tx, PLATFORM, "work-item-closed", version.id, facts={"item": item.id, "by": by})
        closed.append(done)
    return closed


def _may_mend(tx: Transaction, item: WorkItem, version: ModelVersion) -> bool:
    """A successor may always; the version itself only when the rule lets it come back, and it did.

    Live traffic may be quiet by chance: without having gone back, a version has mended nothing. What is counted is
    never quiet by chance: an agent that is heard of again is.
    """
    if version.id != item.version or item.judge in COUNTED:
        return True
    if item.judge[0] not in (Origin.MONITOR, Origin.ROLLOUT):
        return item.rule.same_version or item.judge[0] is Origin.OTHER
    passed_since = any(
        run.gate.value == item.re_entry
        and run.started_at >= item.opened_at
        and run.verdict is not None
        and run.verdict.lets_through
        for run in tx.of(GateRun).find(version=version.id)
    )
    return item.rule.same_version and passed_since


def _related(tx: Transaction, item: WorkItem, family: set[str]) -> bool:
    """Whether an item's version shares an ancestor with these versions."""
    other = tx.of(ModelVersion).get(item.version)
    return bool(family & {other.id, *ancestors(tx, other)})


def ancestors(tx: Transaction, version: ModelVersion) -> tuple[str, ...]:
    """Every version this one descends from, nearest first."""
    return tuple(v.id for v in forebears(tx, version, MAX_GENERATIONS))


def work_items(
    house: House,
    use_case: str = "",
    *,
    version: str = "",
    open_only: bool = False,
    limit: int = PAGE,
    cursor: str = "",
) -> Page[WorkItem]:
    """Work items, newest first. Raises as `listed` does."""
    state = WorkItemState.OPEN if open_only else None
    return listed(house, WorkItem, limit=limit, cursor=cursor, use_case=use_case, version=version, state=state)
