"""Clauses of frameworks, and which recorded evidence speaks to which of them.

Both come from data files beside this one. Nothing here says that a clause is fulfilled: a clause is either spoken to by
recorded evidence, or it is listed as not covered.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from roadworthy.domain.gate import Step

_HERE = Path(__file__).parent
FRAMEWORKS = ("eu-ai-act", "nist-ai-rmf", "sr-26-2", "iso-42001")
"""The frameworks' files, in the order in which the dossier shows them."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause; its title is in our own words. `key` is unique over all frameworks."""

    id: str
    title: str
    framework: str = ""

    @property
    def key(self) -> str:
        """`framework/clause`."""
        return f"{self.framework}/{self.id}"


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework: where its text is, on what our titles rest, and when that was looked up."""

    id: str
    title: str
    alias: str
    source: str
    basis: str
    retrieved: date
    note: str
    clause: tuple[Clause, ...]

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Its clauses, each knowing its framework."""
        return tuple(Clause(c.id, c.title, self.id) for c in self.clause)


@dataclass(frozen=True, slots=True)
class ClauseMap:
    """Clause keys by kind of record, by step and by check."""

    records: Mapping[str, tuple[str, ...]]
    steps: Mapping[str, tuple[str, ...]]
    checks: Mapping[str, tuple[str, ...]]

    def of_record(self, kind: str) -> tuple[str, ...]:
        """Clauses a kind of record speaks to; none for a kind the file does not know."""
        return self.records.get(kind, ())

    def of_finding(self, step: Step, check: str) -> tuple[str, ...]:
        """Clauses a check's finding speaks to: those of its step, then its own."""
        return tuple(dict.fromkeys((*self.steps.get(step.name, ()), *self.checks.get(check, ()))))


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of recorded evidence. `id` is an evidence id where something signed stands behind it, else a record's.

    `place` is the section of the dossier that tells it.
    """

    id: str
    kind: str
    what: str
    place: str
    signed: bool
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause and the evidence that speaks to it; none: not covered by recorded evidence."""

    clause: Clause
    items: tuple[Item, ...]


@cache
def frameworks() -> tuple[Framework, ...]:
    """The frameworks that ship."""
    files = (_HERE / "frameworks" / f"{name}.toml" for name in FRAMEWORKS)
    return tuple(msgspec.convert(tomllib.loads(f.read_text(encoding="utf-8")), Framework) for f in files)


@cache
def mapping() -> ClauseMap:
    """The mapping that ships."""
    return msgspec.convert(tomllib.loads((_HERE / "mapping.toml").read_text(encoding="utf-8")), ClauseMap)


def coverage(items: Iterable[Item], of: Framework) -> tuple[Covered, ...]:
    """Every clause of a framework with the items that speak to it, in the framework's order."""
    known = tuple(items)
    return tuple(Covered(c, tuple(i for i in known if c.key in i.clauses)) for c in of.clauses)
