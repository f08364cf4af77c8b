"""One version as lists and the board show it, kept beside the entities it is derived from.

A list of a hundred thousand versions cannot read their gate runs: the store keeps one small card per version, and
writes it in the transaction that changed the version, a run, a signature or a work item. Cards serve reading only:
nothing is decided, signed or served by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from roadworthy.domain.errors import NotFoundError
from roadworthy.domain.gate import GateRun, tally
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.storing.query import Query
from roadworthy.domain.storing.store import Repository, Stored, Transaction
from roadworthy.domain.trust import SignOff

FILL = 1_000
"""Entities read at once while cards are first written."""


@dataclass(frozen=True, slots=True)
class VersionCard:
    """What a list says of one version; its id is the version's.

    `approved_at`: when a validator last said yes, None once one said no. `runs`, `verdicts`, `gates`: by gate, its
    newest run, that run's verdict ("running" before there is one), and its findings per verdict.
    """

    id: str
    use_case: str
    name: str
    number: int
    state: State
    developers: tuple[str, ...]
    description: str
    created_at: datetime
    approved_at: datetime | None = None
    runs: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    gates: dict[str, dict[str, int]] = field(default_factory=dict)
    open_work: int = 0


def keep_card(cards: Repository[VersionCard], old: object | None, new: object) -> None:
    """Follow one entity that was added (`old` is None) or replaced; to be called in the same transaction."""
    moved = isinstance(old, WorkItem) and version_of(old) != version_of(new)
    if moved and isinstance(old, WorkItem):
        _put(cards, version_of(old), old, replace(old, state=WorkItemState.CLOSED))
    _put(cards, version_of(new), None if moved else old, new)


def fill_cards(tx: Transaction) -> int:
    """Write the cards anew where the store and its cards do not fit; returns how many were written.

    A store of an earlier release has none, and a process of it that still runs writes none: the versions by state
    tell. A card nobody missed is left alone.
    """
    kept, everything = tx.of(VersionCard), Query()
    if kept.tally("state", everything) == tx.of(ModelVersion).tally("state", everything):
        return 0
    made: dict[str, VersionCard] = {}
    kinds: tuple[type[Stored], ...] = (ModelVersion, GateRun, SignOff, WorkItem)
    for entity in (e for kind in kinds for e in _oldest_first(tx, kind)):
        version = version_of(entity)
        if version and (card := next_card(made.get(version), None, entity)) is not None:
            made[version] = card
    return sum(_keep(kept, card) for card in made.values())


def _oldest_first(tx: Transaction, kind: type[Stored]) -> Iterator[Stored]:
    query = Query(descending=False, limit=FILL)
    while True:
        page = tx.of(kind).page(query)
        yield from page.items
        if not page.next:
            return
        query = replace(query, cursor=page.next)


def _keep(cards: Repository[VersionCard], card: VersionCard) -> bool:
    try:
        known = cards.get(card.id)
    except NotFoundError:
        cards.add(card)
        return True
    if known != card:
        cards.replace(known, card)
    return known != card


def _put(cards: Repository[VersionCard], version: str, old: object | None, new: object) -> None:
    if not version:
        return
    try:
        known = cards.get(version)
    except NotFoundError:
        known = None
    card = next_card(known, old, new)
    if card is None or card == known:
        return
    if known is None:
        cards.add(card)
    else:
        cards.replace(known, card)


def version_of(entity: object) -> str:
    """The version whose card this entity changes; empty when it changes none."""
    if isinstance(entity, ModelVersion):
        return entity.id
    return entity.version if isinstance(entity, GateRun | SignOff | WorkItem) else ""


def next_card(card: VersionCard | None, old: object | None, new: object) -> VersionCard | None:
    """The card after `new` was added (`old` is None) or has replaced `old`; None while there is no version."""
    if isinstance(new, ModelVersion):
        return _of_version(card, new)
    if card is None:
        return None
    if isinstance(new, GateRun):
        return _with_run(card, old, new)
    if isinstance(new, SignOff):
        return replace(card, approved_at=new.created_at if new.approved else None)
    if isinstance(new, WorkItem):
        return replace(card, open_work=card.open_work + _is_open(new) - _is_open(old))
    return card


def _of_version(card: VersionCard | None, version: ModelVersion) -> VersionCard:
    made = VersionCard(
        id=version.id,
        use_case=version.use_case,
        name=version.name,
        number=version.number,
        state=version.state,
        developers=version.developers,
        description=version.description,
        created_at=version.created_at,
    )
    if card is None:
        return made
    kept = {name: getattr(card, name) for name in ("approved_at", "runs", "verdicts", "gates", "open_work")}
    return replace(made, **kept)


def _with_run(card: VersionCard, old: object | None, run: GateRun) -> VersionCard:
    gate = run.gate.value
    if old is not None and card.runs.get(gate) != run.id:
        return card  # an earlier run: the newest one stays on the card
    return replace(
        card,
        runs={**card.runs, gate: run.id},
        verdicts={**card.verdicts, gate: run.verdict.value if run.verdict else "running"},
        gates={**card.gates, gate: tally(run.findings)},
    )


def _is_open(item: object | None) -> int:
    return int(isinstance(item, WorkItem) and item.state is WorkItemState.OPEN)
