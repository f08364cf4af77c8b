"""The benchmark of the catalog, small: what it fills stores with is what the services write, and it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.catalog.clones import Cloner, Naming
from benchmarks.catalog.fill import UNTIL, Scale, cards_of, fill
from benchmarks.catalog.templates import Part, Templates, make_templates
from small_world import World

from roadworthy.adapters.storage.rows import codec_of
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import AGGREGATES, Store, Stored
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.storing.card import VersionCard, fill_cards
from roadworthy.domain.storing.query import Query
from roadworthy.domain.trust import Evidence, EvidenceKind, Person
from roadworthy.evidence.chain import verify_chain
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.trust import TrustRoot

ROOT = Path(__file__).parents[2]
NOW = datetime(UNTIL.year, UNTIL.month, UNTIL.day, tzinfo=UTC) + timedelta(days=20)
SCALE = Scale(versions=300, use_cases=6)


@pytest.fixture(scope="module")
def world() -> World:
    return World.in_memory()


@pytest.fixture(scope="module")
def templates(world: World) -> Templates:
    return make_templates(world)


@pytest.fixture(scope="module")
def filled(world: World, templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path_factory.mktemp('filled') / 'store.db'}"
    assert fill([url], templates, world.house.keyring, SCALE) == SCALE.versions
    store = SqlStore.open(url)
    yield store
    store.close()


def _parts(templates: Templates) -> list[Part]:
    return [templates.people, templates.case, *(p for _, p in templates.families.values()), templates.serving]


def _rows(entities: list[Stored]) -> list[tuple[str, str]]:
    return [(type(e).__name__, codec_of(type(e)).row(e).body) for e in entities]


def test_clones_under_the_old_names_are_what_the_services_wrote_to_the_last_byte(
    world: World, templates: Templates
) -> None:
    cloner, words = Cloner(world.house.keyring), ("offers", "mailing", "olga", "dan", "dora")
    for part in _parts(templates):
        same = Naming({w: w for w in (*words, *(e.id for e in part.all()))})
        made = cloner.entities(part, same) if part is not templates.people else list(part.entities[Person])
        links, signed = cloner.links(part, same)
        checkpoints = [e for e in part.entities.get(Evidence, ()) if e.kind is EvidenceKind.CHECKPOINT]
        others = [e for e in part.all() if e not in checkpoints]
        assert _rows(made) == _rows(others)
        assert tuple(links) == part.changes
        assert signed == checkpoints


def test_the_cards_written_with_clones_are_the_cards_the_services_kept(world: World, templates: Templates) -> None:
    entities = [e for part in _parts(templates) for e in part.all()]
    with world.house.store.read() as tx:
        kept = tx.of(VersionCard).find()
    assert sorted(cards_of(entities), key=lambda c: c.id) == sorted(kept, key=lambda c: c.id)


def test_a_filled_store_has_versions_in_every_state_a_version_may_rest_in(filled: Store) -> None:
    with filled.read() as tx:
        states = tx.of(VersionCard).tally("state", Query())
        assert tx.of(ModelVersion).count() == SCALE.versions == sum(states.values())
        assert states[State.ACTIVATED.value] == SCALE.use_cases
        assert tx.of(WorkItem).count() > 0
    assert set(states) == {
        s.value
        for s in (State.REGISTERED, State.AWAITING_SIGN_OFF, State.VALIDATED, State.CANDIDATE, State.ACTIVATED,
                  State.RETURNED, State.RETIRED)
    }  # fmt: skip


def test_every_statement_and_every_link_of_a_filled_store_verifies(filled: Store) -> None:
    with filled.read() as tx:
        trust = TrustRoot(people=tuple(tx.of(Person).find()))
        statements = tx.of(Evidence).find()
        links = tx.changes.read(limit=1_000_000)
    assert {open_envelope(e.envelope, trust, now=NOW).id for e in statements} == {e.id for e in statements}
    verify_chain(links)


def test_cards_and_terms_of_a_filled_store_are_those_a_store_derives_itself(filled: Store, tmp_path: Path) -> None:
    again = SqlStore.open(f"sqlite:///{tmp_path / 'again.db'}")
    with filled.read() as old, again.begin() as new:
        for kind in (a.kind for a in AGGREGATES if a.kind is not VersionCard):
            for entity in old.of(kind).find():
                new.of(kind).add(entity)
        assert fill_cards(new) == 0  # they are there already, written beside the entities
        for asked in (Query(limit=300), Query(words="churn logistic"), Query(has={"developers": "developer-007"})):
            assert _ids(new, asked) == _ids(old, asked)
        assert {c.id: c for c in new.of(VersionCard).find()} == {c.id: c for c in old.of(VersionCard).find()}
    again.close()


def _ids(tx: object, asked: Query) -> set[str]:
    return {c.id for c in tx.of(VersionCard).page(asked).items}  # type: ignore[attr-defined]


def test_the_benchmark_runs_on_both_databases_and_answers_every_request(tmp_path: Path) -> None:
    command = ["-m", "benchmarks.catalog", "--versions", "300", "--use-cases", "6", "--repeats", "1", "--json"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    found = json.loads(done.stdout)
    names = [[figure["name"] for figure in figures] for figures in found.values()]
    assert set(found) == {"sqlite", "postgresql"}
    assert names[0] == names[1]
    assert {"GET /catalog", "GET /versions/{version}", "page /", "page /versions/{version}"} <= set(names[0])
