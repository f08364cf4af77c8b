"""Several processes act on one installation at once, on SQLite and on PostgreSQL: no lost update, no double effect."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "worlds"), str(TESTS / "faults")]

import crowd_process  # noqa: E402 - the line above says where from
from acts import assert_settled  # noqa: E402
from crowd_process import V3  # noqa: E402
from installation import Installation  # noqa: E402
from simulated_offers import artifact  # noqa: E402
from small_playbooks import WAIVED  # noqa: E402
from small_world import ENDPOINT, V1, World, days  # noqa: E402

from roadworthy.domain.gate import GateRun  # noqa: E402
from roadworthy.domain.lifecycle import State  # noqa: E402
from roadworthy.domain.model import Dataset, ModelVersion  # noqa: E402
from roadworthy.domain.returns import DefectKind, WorkItem  # noqa: E402
from roadworthy.domain.serving import Deployment, DeploymentState, Endpoint  # noqa: E402
from roadworthy.domain.trust import (  # noqa: E402
    Delegation,
    Evidence,
    EvidenceKind,
    Person,
    PolicyRevision,
    SignOff,
    Token,
)
from roadworthy.domain.use_case import KpiContract  # noqa: E402
from roadworthy.services.licence.delegations import delegate  # noqa: E402
from roadworthy.services.watch.work_items import open_item  # noqa: E402

V2 = "offers:2"
TWO = WAIVED + b'\napproval:\n  low: {quorum: 2, reason: "two see more than one"}\n'
Went = list[tuple[str, str, str]]


@dataclass
class Crowd:
    """An installation, and a way to have several processes act on it."""

    at: Installation
    processes: Any

    def prepare(self, *steps: Callable[[World], Any]) -> None:
        """What has to be there first, done here."""
        with self.at.open() as world:
            for step in steps:
                step(world)
            self.now = world.clock.now()

    def act(self, *deeds: Sequence[str]) -> Went:
        """A process for each list of deeds, all at once; how every deed went: the error's name, or nothing."""
        barrier, answers = self.processes.Barrier(len(deeds)), self.processes.Queue()
        started = []
        for place, todo in enumerate(deeds):
            given = (str(self.at.root), self.at.url, self.now, list(todo), place, barrier, answers)
            started.append(self.processes.Process(target=crowd_process.act, args=given))
            started[-1].start()
        for process in started:
            process.join(240)
        assert [p.exitcode for p in started] == [0] * len(deeds)
        return [answers.get(timeout=10) for todo in deeds for _ in todo]

    @contextmanager
    def look(self) -> Iterator[World]:
        """The installation afterwards."""
        with self.at.open() as world:
            world.clock.advance(self.now - world.clock.now())
            yield world


@pytest.fixture
def crowd(serving: Installation, processes: Any, tmp_path: Path) -> Crowd:
    """A crowd around an installation in which `offers:1` serves."""
    return Crowd(serving.copy(tmp_path), processes)


def refusals(went: Went) -> list[str]:
    return sorted(error for _, error, _ in went if error)


def done(went: Went) -> Counter[str]:
    return Counter(deed for deed, error, _ in went if not error)


def second(world: World) -> None:
    world.register(artifact(seed=1), parents=(V1,))


def waiting(world: World) -> None:
    second(world)
    world.validate(V2, TWO)


def challengers(world: World) -> None:
    for seed in (1, 2):
        world.activate_fully(world.register(artifact(seed=seed), parents=(V1,)).id)
    world.clock.advance(days(1))


def item(world: World) -> None:
    with world.house.store.begin() as tx:
        version = tx.of(ModelVersion).get(V1)
        open_item(world.house, tx, version, DefectKind.UNFAIR, "V5 group-fairness", "unfair", "validation")


def delegated(world: World) -> None:
    delegate(world.house, world.who("victor"), "rita", world.clock.now() + days(30), reason="on leave")


def adele(world: World) -> None:
    world.add("adele", "administrator")


def test_two_validators_who_sign_at_once_are_a_quorum_of_two(crowd: Crowd) -> None:
    crowd.prepare(waiting)
    assert refusals(crowd.act(["vera signs"], ["victor signs"])) == []
    with crowd.look() as world:
        assert world.version(V2).state is State.VALIDATED
        assert sorted(s.person for s in world.all(SignOff, version=V2)) == ["vera", "victor"]
        assert_settled(world)


def test_one_validator_who_signs_three_times_at_once_counts_once(crowd: Crowd) -> None:
    crowd.prepare(waiting)
    assert refusals(crowd.act(*[["vera signs"]] * 3)) == ["ConflictError"] * 2
    with crowd.look() as world:
        assert world.version(V2).state is State.AWAITING_SIGN_OFF
        assert len(world.all(SignOff, version=V2)) == 1
        assert_settled(world)


def test_a_delegation_revoked_while_it_is_used_was_used_before_or_not_at_all(crowd: Crowd) -> None:
    crowd.prepare(waiting, delegated)
    went = crowd.act(["rita signs for victor"], ["victor revokes"])
    assert refusals(went) in ([], ["NotAllowedError"])
    with crowd.look() as world:
        links = [c.action for c in world.changes() if c.action in ("signed-off", "delegation-revoked")]
        assert links[1:] in (["signed-off", "delegation-revoked"], ["delegation-revoked"])
        assert_settled(world)


def test_of_two_operators_who_deploy_at_once_one_wins_and_nothing_is_lost(crowd: Crowd) -> None:
    crowd.prepare(challengers)
    went = crowd.act(["deploy 2"], ["deploy 3"])
    assert refusals(went) == ["ConflictError"]
    with crowd.look() as world:
        first, current = world.all(Deployment, endpoint=ENDPOINT)
        assert [first.id, current.id] == [f"{ENDPOINT}-d1", f"{ENDPOINT}-d2"]
        assert (current.state, current.revision) == (DeploymentState.PROGRESSING, 1)
        assert {a.version for a in current.arms} & {V2, V3} == {"offers:" + next(iter(done(went)))[-1]}
        assert_settled(world)


def test_two_rollbacks_at_once_are_one_revision_or_two_in_order(crowd: Crowd) -> None:
    crowd.prepare(challengers, lambda w: w.deploy(V2, schedule=(0.5, 1.0)))
    went = crowd.act(["roll back"], ["roll back"])
    with crowd.look() as world:
        links = [c for c in world.changes() if c.facts.get("deployment") == f"{ENDPOINT}-d2"]
        assert [c.facts["revision"] for c in links] == list(range(1, len(links) + 1))
        assert len(links) == 1 + done(went)["roll back"]
        signed = [e for e in world.all(Evidence) if e.kind is EvidenceKind.DEPLOYMENT]
        assert len({e.id for e in signed}) == len(
            [c for c in world.changes() if c.action.startswith("deployment-")]
        )
        assert_settled(world)


def test_of_three_gates_started_at_once_one_runs(crowd: Crowd) -> None:
    crowd.prepare(second)
    went = crowd.act(*[["begin a validation"]] * 3)
    assert set(refusals(went)) <= {"LostUpdateError", "IllegalTransitionError"}
    assert done(went)["begin a validation"] == 1
    with crowd.look() as world:
        (run,) = world.all(GateRun, version=V2)
        assert world.actions().count("validation-started") == 2
        world.house.engine.run("gate", run.id, {"run": run.id})
        assert world.version(V2).state is State.AWAITING_SIGN_OFF
        assert world.dataset("sealed").reads == world.actions().count("sealed-data-read") == 1
        assert_settled(world)


def test_policies_of_two_administrators_at_once_are_put_in_force_one_after_the_other(crowd: Crowd) -> None:
    crowd.prepare(adele)
    assert refusals(crowd.act(["admin sets a policy"] * 3, ["adele sets a policy"] * 3)) == []
    with crowd.look() as world:
        kept = world.all(PolicyRevision)
        assert [r.id for r in kept] == [f"policy-{n}" for n in range(1, 7)]
        told = [c.facts["diff"][:2] for c in world.changes() if c.action == "policy-set"]
        names = ["roadworthy.cedar", *(r.source for r in kept)]
        assert told == [[f"--- {a}", f"+++ {b}"] for a, b in pairwise(names)]
        assert world.house.policy.text == kept[-1].text
        assert_settled(world)


def test_two_administrators_who_deactivate_each_other_leave_one(crowd: Crowd) -> None:
    crowd.prepare(adele)
    went = crowd.act(["admin deactivates adele"], ["adele deactivates admin"])
    assert refusals(went) == ["NotAllowedError"]
    with crowd.look() as world:
        assert sum(p.active for p in world.all(Person) if p.id in ("admin", "adele")) == 1
        assert_settled(world)


def test_one_person_added_by_three_at_once_is_there_once_and_signs_with_the_key_that_is_kept(crowd: Crowd) -> None:
    crowd.prepare()
    assert refusals(crowd.act(*[["add nina"]] * 3)) == ["AlreadyExistsError"] * 2
    with crowd.look() as world:
        assert world.house.keyring.signer("nina").key_id == world.who("nina").key_id
        assert_settled(world)


def test_of_two_contracts_agreed_at_once_one_is_the_next_revision(crowd: Crowd) -> None:
    crowd.prepare()
    went = crowd.act(["agree a contract"], ["agree a contract"])
    assert refusals(went) in (["LostUpdateError"], [])
    with crowd.look() as world:
        kept = world.all(KpiContract)
        assert [c.revision for c in kept] == list(range(1, 2 + len(went) - len(refusals(went))))
        assert all(c.changes for c in kept[1:])
        assert_settled(world)


def test_rows_that_one_seals_while_another_trains_on_them_are_one_or_the_other(crowd: Crowd) -> None:
    crowd.prepare()
    assert refusals(crowd.act(["rows to seal"], ["rows to train on"])) == ["ConflictError"]
    with crowd.look() as world:
        assert len(world.all(Dataset)) == 4
        assert_settled(world)


def test_a_work_item_given_to_two_people_at_once_is_given_twice_in_order(crowd: Crowd) -> None:
    crowd.prepare(item)
    assert refusals(crowd.act(["assign to dan"], ["assign to dora"])) == []
    with crowd.look() as world:
        told = [c.facts["to"] for c in world.changes() if c.action == "work-item-assigned"]
        assert sorted(told) == ["dan", "dora"]
        assert world.work()[0].assignee == told[-1]
        assert_settled(world)


MANY = {
    "comment": "work-item-commented",
    "create a token": "token-created",
    "add somebody": "person-added",
    "delegate": "delegated",
    "register a version": "version-registered",
    "register an endpoint": "endpoint-registered",
    "agree a contract": "kpi-contract-agreed",
    "admin sets a policy": "policy-set",
    "assign to dan": "work-item-assigned",
    "suspend": "suspended",
    "reinstate": "reinstated",
    "vera signs": "signed-off",
    "victor signs": "signed-off",
    "deploy 2": "deployment-progressing",
    "begin a validation": "validation-started",
}
"""Deeds that may be drawn at random, and what the change record calls them."""


def assert_counted(world: World, went: Went, before: Counter[str]) -> None:
    """Every deed that was not refused is one link and one effect, and no other is there."""
    told = Counter(world.actions()) - before
    expected = Counter(dict.fromkeys(MANY.values(), 0))
    for deed, times in done(went).items():
        expected[MANY[deed]] += times
    assert {a: told[a] for a in expected} == expected
    assert len(world.work()[0].comments) == expected["work-item-commented"]
    for kind, action, there in (
        (Token, "token-created", 0),
        (Delegation, "delegated", 0),
        (ModelVersion, "version-registered", 2),
        (Endpoint, "endpoint-registered", 1),
        (KpiContract, "kpi-contract-agreed", 1),
        (PolicyRevision, "policy-set", 0),
        (SignOff, "signed-off", 1),
        (WorkItem, "work-item-opened", 1),
    ):
        kept = world.all(kind)
        assert len({k.id for k in kept}) == len(kept) == expected[action] + there, kind


@pytest.mark.parametrize("seed", [1, *[pytest.param(s, marks=pytest.mark.slow) for s in range(2, 8)]])
def test_whatever_a_crowd_does_at_once_every_deed_counts_once_and_the_record_is_unbroken(
    crowd: Crowd, seed: int
) -> None:
    draw = Random(seed)  # noqa: S311 - a seed for repeatable deeds, not a secret
    crowd.prepare(waiting, item)
    with crowd.look() as world:
        before = Counter(world.actions())
    went = crowd.act(*[draw.choices(list(MANY), k=12) for _ in range(3)])
    allowed = {"ConflictError", "LostUpdateError", "IllegalTransitionError", "AlreadyExistsError"}
    assert set(refusals(went)) <= allowed, [w for w in went if w[1] not in {"", *allowed}]
    with crowd.look() as world:
        assert_counted(world, went, before)
        assert_settled(world)
