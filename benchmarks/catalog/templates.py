"""What the benchmark multiplies: a small world in which the services themselves took versions down every road.

Each `Part` is what one stretch of it added to the store: entities, and links of the change record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "worlds"))

from simulated_offers import artifact
from small_playbooks import FULL
from small_world import CASE, ENDPOINT, World, days

from roadworthy.domain.gate import Gate
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import AGGREGATES, Stored
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.trust import Change
from roadworthy.services.licence.standing import retire
from roadworthy.services.serve.endpoints import register_endpoint

OWNERS, DEVELOPERS = 40, 100
"""People beside the small world's own cast: they own the use cases and hand in the versions."""


def owner(n: int) -> str:
    """One of the business owners."""
    return f"owner-{n % OWNERS:02}"


def developer(n: int) -> str:
    """One of the data scientists."""
    return f"developer-{n % DEVELOPERS:03}"


@dataclass(frozen=True, slots=True)
class Part:
    """What was added in one stretch, each kind in its order; cards left out, for they are derived."""

    entities: dict[type[Any], tuple[Stored, ...]]
    changes: tuple[Change, ...]

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """Its versions."""
        return self.entities.get(ModelVersion, ())  # type: ignore[return-value]

    def all(self) -> list[Stored]:
        """Every entity, kind by kind as `AGGREGATES` names them."""
        return [e for a in AGGREGATES for e in self.entities.get(a.kind, ())]


@dataclass(frozen=True, slots=True)
class Templates:
    """`people` are there once, `case` and `serving` once per use case, `families` in their shares of all versions."""

    people: Part
    case: Part
    serving: Part
    families: dict[str, tuple[float, Part]]


def make_templates(world: World) -> Templates:
    """Walk every road in a founded world."""
    seen = _Seen(world)
    world.cast()
    for n in range(OWNERS):
        world.add(owner(n), "business-owner")
    for n in range(DEVELOPERS):
        world.add(developer(n), "data-scientist")
    people = seen.part()
    world.use_case()
    for role in ("train", "sealed", "production"):
        world.data(role)
    world.agree()
    register_endpoint(world.house, world.who("omar"), ENDPOINT, CASE, "letter")
    case = seen.part()
    roads: dict[str, tuple[float, Callable[[World], None]]] = {
        "registered": (0.15, _registered),
        "mended": (0.20, _mended),
        "awaiting": (0.10, _awaiting),
        "signed": (0.10, _signed),
        "candidate": (0.10, _candidate),
        "retired": (0.20, _retired),
        "returned": (0.15, _returned),
    }
    families = {}
    for name, (share, road) in roads.items():
        road(world)
        families[name] = (share, seen.part())
    _serving(world)
    return Templates(people, case, seen.part(), families)


def _registered(world: World) -> None:
    world.register()


def _awaiting(world: World) -> None:
    world.validate(world.register().id, FULL)


def _signed(world: World) -> None:
    version = world.register().id
    world.validate(version, FULL)
    world.sign(version)


def _candidate(world: World) -> None:
    version = world.register().id
    world.validate(version, FULL)
    world.sign(version)
    world.gate(version, Gate.RELEASE, FULL)


def _retired(world: World) -> None:
    version = world.register().id
    world.activate_fully(version, FULL)
    retire(world.house, world.who("omar"), version, "its successor serves")


def _returned(world: World) -> None:
    """A model that was taught the opposite of what happened."""
    world.validate(world.register(artifact("upside_down"), by="dora").id, FULL)


def _mended(world: World) -> None:
    """One that came back, and the successor that mended it."""
    failed = world.register(artifact("upside_down")).id
    world.validate(failed, FULL)
    mended = world.register(parents=(failed,)).id
    world.validate(mended, FULL)
    world.sign(mended)


def _serving(world: World) -> None:
    version = world.register().id
    world.activate_fully(version, FULL)
    world.deploy(version)
    for seed, shift in ((11, 0.0), (12, 0.8)):
        happened = world.live(700, seed, f"m{seed}", shift=shift)
        world.clock.advance(days(9))
        world.report(happened)
        world.review()


class _Seen:
    """What was in the store when it was last looked at."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: dict[type[Any], set[str]] = {a.kind: set() for a in AGGREGATES}
        self._links = 0

    def part(self) -> Part:
        """What came since, as it stands now."""
        added: dict[type[Any], tuple[Stored, ...]] = {}
        with self._world.house.store.read() as tx:
            for kind, known in self._ids.items():
                new = tuple(e for e in tx.of(kind).find() if e.id not in known)
                known |= {e.id for e in new}
                if new and kind is not VersionCard:
                    added[kind] = new
            changes = tuple(tx.changes.read(after=self._links))
        self._links += len(changes)
        return Part(added, changes)
