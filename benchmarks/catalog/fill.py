"""Fills control stores with many versions: clones of the templates, written straight into the adapters' tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from benchmarks.catalog.clones import Cloner, Naming
from benchmarks.catalog.templates import Part, Templates, developer, owner
from sqlalchemy import Engine, create_engine, insert, text

from roadworthy.adapters.storage.rows import codec_of, digest_of, to_body
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.adapters.storage.tables import CHANGE, TABLES, TERMS
from roadworthy.domain.model import ModelVersion, SealedLook
from roadworthy.domain.ports import AGGREGATES, Keyring, Stored
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.storing.card import VersionCard, next_card, version_of
from roadworthy.domain.trust import Change, Person

TOPICS = ("churn", "fraud", "pricing", "credit", "claims", "routing", "upsell", "demand", "returns", "triage")
PLACES = ("north", "south", "east", "west")
DAYS = 1_000
"""Over so many days the versions came; those that serve were approved in the last tenth of them."""

UNTIL = date(2026, 11, 2)
FIRST = (UNTIL - date(2026, 3, 2)).days - DAYS
"""Days from the templates' first day to the first version of a filled store."""

FIRST_VERSION = "offers:1"
"""The templates' first version: it names the lineage of all of them."""

BATCH = 200
"""Families between two writes."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: versions in all, and use cases they belong to."""

    versions: int = 100_000
    use_cases: int = 400
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Order:
    """One family to be made: whose, which, and how many days after the template."""

    case: int
    part: Part
    days: int


def case_name(n: int) -> str:
    """A use case's id."""
    return f"{TOPICS[n % len(TOPICS)]}-{PLACES[n // len(TOPICS) % len(PLACES)]}-{n + 1:03}"


def model_name(case: int, n: int) -> str:
    """A model's name: three models per use case."""
    return f"{case_name(case)}-{'abc'[n % 3]}"


def fill(urls: Sequence[str], templates: Templates, keyring: Keyring, scale: Scale) -> int:
    """Write the same rows into every one of the empty databases; returns how many versions."""
    for url in urls:
        SqlStore.open(url).close()
    engines = [create_engine(url) for url in urls]
    writer = _Writer(engines)
    made = 0
    for entities, links in rows_of(templates, keyring, scale):
        writer.put(entities, links)
        made += sum(isinstance(e, ModelVersion) for e in entities)
    writer.end()
    for engine in engines:
        engine.dispose()
    return made


def rows_of(templates: Templates, keyring: Keyring, scale: Scale) -> Iterator[tuple[list[Stored], list[Change]]]:
    """Everything that goes into the store, some hundred families at a time, with the cards of its versions."""
    cloner = Cloner(keyring)
    entities: list[Stored] = list(templates.people.entities[Person])
    same = Naming({}, days=FIRST)
    links, signed = cloner.links(templates.people, same)
    entities += signed
    namings = [_case_naming(n) for n in range(scale.use_cases)]
    for naming in namings:
        _clone(cloner, templates.case, naming, entities, links)
    yield entities, links
    numbers = _Numbers()
    entities, links = [], []
    for at, order in enumerate(_plan(templates, scale)):
        of_case = namings[order.case]
        words = of_case.words | {"dan": developer(at), "dora": developer(at + 1)} | numbers.names(order, of_case)
        naming = Naming(words, order.days, dict(of_case.digests))
        _clone(cloner, order.part, naming, entities, links)
        if at % BATCH == BATCH - 1:
            yield entities, links
            entities, links = [], []
    yield entities, links


class _Numbers:
    """The next number of everything that the services number."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def names(self, order: _Order, of_case: Naming) -> dict[str, str]:
        """New names of a family's versions, work items and looks at sealed data."""
        found: dict[str, str] = {}
        for version in order.part.versions:
            name = model_name(order.case, self._next(f"versions of {order.case}"))
            found.setdefault(FIRST_VERSION, f"{name}:1")
            found[version.id] = f"{name}:{self._next(name)}"
        for item in order.part.entities.get(WorkItem, ()):
            found[item.id] = f"work-{self._next('work')}"
        for look in order.part.entities.get(SealedLook, ()):
            dataset = of_case(look.id.rpartition("-look-")[0])
            found[look.id] = f"{dataset}-look-{self._next(dataset)}"
        return found

    def _next(self, what: str) -> int:
        self._last[what] = self._last.get(what, 0) + 1
        return self._last[what]


def cards_of(entities: Sequence[Stored]) -> list[VersionCard]:
    """The cards of the versions among these entities, derived as a store derives them when it has none."""
    about: dict[str, list[Stored]] = {}
    for e in sorted(entities, key=_kind_order):
        if version := version_of(e):
            about.setdefault(version, []).append(e)
    found = [reduce(lambda card, e: next_card(card, None, e), mine, None) for mine in about.values()]
    return [card for card in found if card is not None]


_KINDS = {a.kind: at for at, a in enumerate(AGGREGATES)}


def _kind_order(entity: Stored) -> int:
    return _KINDS[type(entity)]


def _clone(cloner: Cloner, part: Part, naming: Naming, entities: list[Stored], links: list[Change]) -> None:
    made = cloner.entities(part, naming)
    added, signed = cloner.links(part, naming)
    entities += [*made, *cards_of(made), *signed]
    links += added


def _case_naming(n: int) -> Naming:
    words = {"offers": case_name(n), "mailing": f"{case_name(n)}-letters", "olga": owner(n)}
    return Naming(words, FIRST)


def _plan(templates: Templates, scale: Scale) -> list[_Order]:
    """Which family of which use case, oldest first; what serves is among the newest tenth."""
    draw = random.Random(scale.seed)  # noqa: S311 - nothing secret
    kinds, shares = zip(*((p, share) for share, p in templates.families.values()), strict=True)
    chosen: list[tuple[int, Part]] = []
    left = scale.versions - scale.use_cases
    while left > 0:
        part = draw.choices(kinds, shares)[0]
        if len(part.versions) > left:
            part = templates.families["registered"][1]
        chosen.append((draw.randrange(scale.use_cases), part))
        left -= len(part.versions)
    late = len(chosen) * 9 // 10
    rest = chosen[late:] + [(n, templates.serving) for n in range(scale.use_cases)]
    draw.shuffle(rest)
    plan = chosen[:late] + rest
    return [_Order(case, part, FIRST + DAYS * at // len(plan)) for at, (case, part) in enumerate(plan)]


class _Writer:
    """Rows into tables, each kind numbered in the order of addition."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines
        self._next: dict[type[Any], int] = {}

    def put(self, entities: Sequence[Stored], links: Sequence[Change]) -> None:
        """One transaction per database."""
        rows: dict[type[Any], list[dict[str, Any]]] = {}
        terms: dict[type[Any], list[dict[str, Any]]] = {}
        for entity in entities:
            kind = type(entity)
            seq = self._next[kind] = self._next.get(kind, 0) + 1
            row = codec_of(kind).row(entity)
            rows.setdefault(kind, []).append(
                {"seq": seq, "id": row.id, "body": row.body, "body_digest": row.digest, **row.indexed}
            )
            terms.setdefault(kind, []).extend({"term": t, "seq": seq} for t in sorted(row.terms))
        for engine in self._engines:
            with engine.begin() as connection:
                for kind, many in rows.items():
                    connection.execute(insert(TABLES[kind]), many)
                    if kind in TERMS and terms[kind]:
                        connection.execute(insert(TERMS[kind]), terms[kind])
                if links:
                    connection.execute(insert(CHANGE), [_link(c) for c in links])

    def end(self) -> None:
        """Let the databases count on from here, and let PostgreSQL tidy up, as its autovacuum would."""
        for engine in self._engines:
            if engine.dialect.name != "postgresql":
                continue
            with engine.begin() as connection:
                for kind, last in self._next.items():
                    name = TABLES[kind].name
                    connection.execute(text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'seq'), {last})"))
            with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(text("VACUUM ANALYZE"))


def _link(change: Change) -> dict[str, Any]:
    body = to_body(change, f"change {change.seq}")
    return {
        "seq": change.seq,
        "digest": change.digest,
        "previous": change.previous,
        "subject": change.subject,
        "body": body,
        "body_digest": digest_of(body),
    }
