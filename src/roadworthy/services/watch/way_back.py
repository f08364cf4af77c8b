"""What people do with work items: take them, talk about them, name the successor, bring a version back.

Nobody closes an item by hand: there is no such function. Every act is in the change record with the item's id,
and `item_history` reads it there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from roadworthy.domain.errors import ConflictError, SettingError, shortlist
from roadworthy.domain.lifecycle import Event, advance
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.returns import Comment, DevelopmentStep, ReEntry, WorkItem, WorkItemState
from roadworthy.domain.trust import Change, Person
from roadworthy.services.catalog.contracts import contract_in_force
from roadworthy.services.facts import facts_of, version_facts
from roadworthy.services.house import House
from roadworthy.services.watch.work_items import ancestors

ACTION = "manage-work"
"""What the policy is asked for."""

MAX_COMMENT = 4000
"""Characters of one comment."""

MAX_COMMENTS = 500
"""Comments of one item: they are kept with it."""


@dataclass(frozen=True, slots=True)
class ItemView:
    """A work item, the rule by which its version comes back, and all that was recorded about it, oldest first."""

    item: WorkItem
    rule: ReEntry
    history: tuple[Change, ...]


def work_item(house: House, item_id: str) -> ItemView:
    """One work item with its history."""
    with house.store.read() as tx:
        item = tx.of(WorkItem).get(item_id)
        return ItemView(item, item.rule, item_history(tx, item))


def item_history(tx: Transaction, item: WorkItem) -> tuple[Change, ...]:
    """What the change record says about an item, oldest first."""
    line = ancestors(tx, tx.of(ModelVersion).get(item.version))
    subjects = dict.fromkeys((*item.seen_in, *line, item.version, item.successor))
    found = [
        change
        for subject in subjects
        if subject
        for change in tx.changes.read(subject=subject)
        if change.facts.get("item") == item.id
    ]
    return tuple(sorted(found, key=lambda change: change.seq))


def assign(house: House, actor: Person, item_id: str, assignee: str) -> WorkItem:
    """Give an open work item to a person.

    Raises:
        ConflictError: it is closed.
        NotFoundError: no such item, or no such person.
    """
    house.allow(actor, ACTION, _facts(house, item_id))
    with house.store.begin() as tx:
        item = _open(tx, item_id, "assigned")
        tx.of(Person).get(assignee)
        changed = replace(item, assignee=assignee)
        tx.of(WorkItem).replace(item, changed)
        house.record(tx, actor.id, "work-item-assigned", item.version, facts={"item": item.id, "to": assignee})
    return changed


def comment(house: House, actor: Person, item_id: str, text: str) -> WorkItem:
    """Say something about a work item, open or closed.

    Raises:
        SettingError: nothing, or too much.
        ConflictError: it has as many comments as one item may have.
    """
    house.allow(actor, ACTION, _facts(house, item_id))
    said = text.strip()
    if not said or len(said) > MAX_COMMENT:
        raise SettingError(
            f"the comment has {len(said):,} characters", remedy=f"Allowed: 1 to {MAX_COMMENT:,}.", field="text"
        )
    with house.store.begin() as tx:
        item = tx.of(WorkItem).get(item_id)
        if len(item.comments) >= MAX_COMMENTS:
            raise ConflictError(
                f"{item.id} has {MAX_COMMENTS} comments", remedy="Go on where you plan your work.", item=item.id
            )
        changed = replace(item, comments=(*item.comments, Comment(actor.id, house.clock.now(), said)))
        tx.of(WorkItem).replace(item, changed)
        house.record(tx, actor.id, "work-item-commented", item.version, said, {"item": item.id})
    return changed


def link_successor(house: House, actor: Person, item_id: str, successor: str) -> WorkItem:
    """Name the version that is to mend an open item. It closes the item only by passing.

    Raises:
        ConflictError: the item is closed, or the version does not descend from the faulty one.
    """
    house.allow(actor, ACTION, _facts(house, item_id))
    with house.store.begin() as tx:
        item = _open(tx, item_id, "linked")
        version = tx.of(ModelVersion).get(successor)
        if item.version not in ancestors(tx, version):
            raise ConflictError(
                f"{version.id} does not descend from {item.version}, which {item.id} is about",
                remedy=f"Register it with `--parent {item.version}`, or link one that was.",
                item=item.id,
                version=version.id,
            )
        changed = replace(item, successor=version.id)
        tx.of(WorkItem).replace(item, changed)
        house.record(
            tx, actor.id, "work-item-linked", item.version, facts={"item": item.id, "successor": version.id}
        )
    return changed


def re_enter(house: House, actor: Person, version_id: str, why: str) -> ModelVersion:
    """Bring a returned version back to `registered`, to pass the gates again.

    Raises:
        SettingError: no reason is given.
        ConflictError: a defect ever found in it lies in the artifact, so only a successor can mend it; or it asks
            for another contract and sealed rows nobody has seen, and one of them is not there.
        IllegalTransitionError: the version is not returned.
    """
    if not why.strip():
        raise SettingError("re-entry needs a reason", remedy="Say what was mended.", field="why")
    house.allow(actor, "register-version", facts_of(house, version=version_id))
    with house.store.begin() as tx:
        version = tx.of(ModelVersion).get(version_id)
        state = advance(version.state, Event.RE_ENTER, subject=version.id)
        items = [
            item
            for item in tx.of(WorkItem).find(use_case=version.use_case)
            if version.id in (item.version, *item.seen_in)
        ]
        _refuse_artifact_defects(version, items)
        _refuse_old_terms(tx, version, items)
        changed = replace(version, state=state)
        tx.of(ModelVersion).replace(version, changed)
        open_ones = [item.id for item in items if item.state is WorkItemState.OPEN]
        house.record(tx, actor.id, "re-entered", version.id, why, {"items": open_ones})
    return changed


def _refuse_artifact_defects(version: ModelVersion, items: list[WorkItem]) -> None:
    lasting = [item for item in items if not item.rule.same_version]
    if lasting:
        named = shortlist([f"{item.id} ({item.defect.value})" for item in lasting])
        raise ConflictError(
            f"{version.id} cannot come back: {named} can be mended by a successor only. {lasting[0].rule.why}",
            remedy=f"Register a new version with `--parent {version.id}`.",
            version=version.id,
            items=[item.id for item in lasting],
        )


def _refuse_old_terms(tx: Transaction, version: ModelVersion, items: list[WorkItem]) -> None:
    """What the business asked for was measured and missed: only other terms, on other rows, can be met."""
    asking = [
        item
        for item in items
        if item.state is WorkItemState.OPEN and item.step is DevelopmentStep.BUSINESS_UNDERSTANDING
    ]
    signed = contract_in_force(tx, version.use_case)
    sealed = tx.of(Dataset).find(use_case=version.use_case, role=DatasetRole.SEALED, newest_first=True, limit=1)
    for item in asking:
        found = _last_seen(tx, item)
        lacking = [
            what
            for what, since in (
                ("contract (`roadworthy agree`)", signed[0].created_at if signed else None),
                (
                    "sealed data (`roadworthy register data FILE --role sealed`)",
                    sealed[0].created_at if sealed else None,
                ),
            )
            if since is None or since <= found
        ]
        if lacking:
            raise ConflictError(
                f"{version.id} cannot come back: {item.id} ({item.defect.value}) asks for new terms on new rows, and "
                f"since it was found there is no new {' and no new '.join(lacking)}",
                remedy="Give what is missing, or register a successor.",
                version=version.id,
                items=[item.id],
            )


def _last_seen(tx: Transaction, item: WorkItem) -> datetime:
    """When the defect was last found: what was agreed before cannot have answered it."""
    finding = ("work-item-opened", "work-item-reopened", "work-item-still-there")
    return max((c.at for c in item_history(tx, item) if c.action in finding), default=item.opened_at)


def _facts(house: House, item_id: str) -> dict[str, Any]:
    """What the policy is told of an item: its version."""
    with house.store.read() as tx:
        return version_facts(tx, tx.of(ModelVersion).get(tx.of(WorkItem).get(item_id).version))


def _open(tx: Transaction, item_id: str, done: str) -> WorkItem:
    item = tx.of(WorkItem).get(item_id)
    if item.state is not WorkItemState.OPEN:
        raise ConflictError(
            f"{item.id} is closed", remedy=f"Only open work items are {done}.", item=item.id, by=item.closed_by
        )
    return item
