"""The whole road with control store and durable work in a database, PostgreSQL as well as SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from simulated_offers import artifact
from small_playbooks import CHEAP, FULL, playbook
from small_world import ENDPOINT, V1, World, days

from roadworthy.adapters.storage.tables import TABLES
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind, WorkItemState
from roadworthy.domain.serving import DeploymentState
from roadworthy.domain.trust import SignOff
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import verify_bundle
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.services.gates.sign_off import renew
from roadworthy.services.licence.delegations import delegate
from roadworthy.services.licence.expiry import expire
from roadworthy.services.licence.standing import reinstate, suspend
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.watch.verify import bundle, trust_root, verify_changes
from roadworthy.services.watch.way_back import assign, comment, link_successor

TWO = b'\napproval:\n  low: {quorum: 2, max_age_days: 100, reason: "two see more than one"}\n'
V2 = "offers:2"


@pytest.fixture
def url(database_url: str) -> str:
    """The database; for SQLite the workspace's own, as a user has it who sets nothing."""
    return database_url if database_url.startswith("postgresql") else ""


def assert_proven(world: World) -> None:
    """The record is unbroken, the first version's evidence verifies, and what is in force is what is stored."""
    assert verify_changes(world.house) == len(world.changes())
    found = bundle(world.house, V1)
    kept = world.house.artifacts.get(found.artifact)
    assert verify_bundle(found, trust_root(world.house), kept, now=world.clock.now()).holds
    document = world.house.served.read(ENDPOINT)
    if document is not None:
        served = decode_served(document)
        verify_served(served, trust_root(world.house), endpoint=ENDPOINT, now=world.clock.now())
        assert served.deployment == world.deployment()


def to_activation(world: World, version: str) -> None:
    world.sign(version)
    world.sign(version, "victor")
    world.gate(version, Gate.RELEASE)
    world.accept(version)
    world.gate(version, Gate.ACTIVATION)


def month(world: World, seed: int, prefix: str, **about: float) -> None:
    happened = world.live(500, seed, prefix, **about)
    world.clock.advance(days(9))
    assert world.report(happened).matched == 500


def at_time(url: str, root: Path, now: datetime | None) -> Iterator[World]:
    """A world opened once more, its clock where it was."""
    with World.on(url, root) as world:
        if now is not None:
            world.clock.advance(now - world.clock.now())
        yield world


def test_the_whole_road_survives_being_closed_and_opened_between_its_parts(url: str, tmp_path: Path) -> None:
    now: datetime | None = None
    for part in (_to_service, _back_from_drift, _challenged, _licence):
        for world in at_time(url, tmp_path, now):
            part(world)
            assert_proven(world)
            now = world.clock.now()


def _to_service(world: World) -> None:
    world.prepare().register()
    run = world.validate(V1, CHEAP + TWO)
    assert run.verdict is Verdict.WARN
    to_activation(world, V1)
    world.clock.advance(days(1))
    world.deploy(V1)
    month(world, 11, "quiet")
    assert world.review().decisions == 500


def _back_from_drift(world: World) -> None:
    since = world.clock.now()
    month(world, 12, "old", shift=2.0)
    world.review(since)
    item = next(i for i in world.work() if i.defect is DefectKind.DATA_DRIFT)
    assign(world.house, world.who("omar"), item.id, "dan")
    comment(world.house, world.who("dan"), item.id, "older customers since March")
    world.register(artifact(seed=3), parents=(V1,))
    link_successor(world.house, world.who("dan"), item.id, V2)
    assert next(i for i in world.work() if i.id == item.id).state is WorkItemState.OPEN


def _challenged(world: World) -> None:
    world.validate(V2, playbook("V6:data-quality") + TWO)
    to_activation(world, V2)
    first = world.deploy(V2, schedule=(0.2, 1.0))
    back = roll_back(world.house, world.who("omar"), ENDPOINT, "the drill")
    assert (first.revision, back.revision, back.state) == (1, 2, DeploymentState.ROLLED_BACK)


def _licence(world: World) -> None:
    suspend(world.house, world.who("omar"), V1, "a look at its letters")
    assert world.version(V1).state is State.SUSPENDED
    reinstate(world.house, world.who("rita"), V1, "the letters are right")
    world.clock.advance(timedelta(days=200))
    expire(world.house)
    assert world.version(V1).state is State.SUSPENDED
    until = world.clock.now() + days(10)
    delegate(world.house, world.who("victor"), "rita", until, reason="on leave")
    renew(world.house, world.who("vera"), V1, approved=True, reason="read the reviews")
    renew(world.house, world.who("rita"), V1, approved=True, reason="as victor would", in_place_of="victor")
    assert world.version(V1).state is State.ACTIVATED
    assert [s.round for s in world.all(SignOff, version=V1)] == [1, 1, 2, 2]


def said(run: GateRun) -> list[object]:
    """What a run found, apart from digests of signed things, which differ with every key, and from times taken."""
    return [(f.step, f.check, f.verdict, f.rows, f.threshold, f.defect, f.waived) for f in run.findings]


@pytest.mark.slow
def test_every_real_check_of_every_gate_finds_on_the_database_what_it_finds_in_memory(
    url: str, tmp_path: Path
) -> None:
    memory = World.in_memory().prepare()
    memory.register()
    memory.activate_fully(V1, FULL)
    with World.on(url, tmp_path) as world:
        world.prepare().register()
        assert world.activate_fully(V1, FULL).state is State.ACTIVATED
        for here, there in zip(world.all(GateRun), memory.all(GateRun), strict=True):
            assert said(here) == said(there)
        assert_proven(world)


def test_on_postgresql_nothing_of_the_store_and_the_work_is_left_in_the_workspace(
    postgres_url: str, tmp_path: Path
) -> None:
    with World.on(postgres_url, tmp_path) as world:
        world.prepare().register()
        world.validate(V1)
    assert not [*tmp_path.rglob("*.db"), *tmp_path.rglob("*.sqlite")]
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        runs = connection.execute(f"SELECT count(*) FROM {TABLES[GateRun].name}").fetchone()  # noqa: S608
        works = connection.execute("SELECT count(*) FROM dbos.workflow_status").fetchone()
    assert (runs, works) == ((1,), (1,))
