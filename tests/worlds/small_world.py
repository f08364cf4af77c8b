"""A small, fast, whole world: one installation in memory (or on disk), people, simulated offers, small real models.

    world = World.in_memory()
    world.prepare()                       # people, use case, data, contract
    v = world.register()                  # a small real model
    world.activate_fully(v.id)            # every gate, sign-off, hand-off
    world.house ... the services' `House`

Nothing in here is a stand-in: stores, engine, policy, perimeter and gateway are those that ship.
`fork()` gives an independent copy of an in-memory world, so that many tests may start from one stage.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import offer_training
from simulated_offers import INPUTS, arrivals, artifact, parquet, simulate, table
from small_playbooks import FULL, WAIVED

from roadworthy.adapters.access.cedar import CedarPolicy
from roadworthy.adapters.artifacts.memory import MemoryArtifacts
from roadworthy.adapters.benches.inside import InsideBench
from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.adapters.reports.printed import PrintedReports
from roadworthy.adapters.served.memory import MemoryServed
from roadworthy.adapters.signing.memory import MemoryKeyring
from roadworthy.adapters.storage.memory import MemoryStore
from roadworthy.adapters.tallies.memory import MemoryTallies
from roadworthy.apps.building import open_house
from roadworthy.apps.data_plane import build_gateway
from roadworthy.apps.perimeter import LocalPerimeter
from roadworthy.apps.settings import Settings
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import Dataset, DatasetRole, ModelVersion
from roadworthy.domain.ports import ServedMemory
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.review import ReviewRun
from roadworthy.domain.serving import Deployment, Endpoint
from roadworthy.domain.trust import Change, Person, SignOff
from roadworthy.domain.use_case import DecisionPoint, DecisionPointKind, KpiContract, RiskTier, UseCase
from roadworthy.gateway.plane import Gateway, InProcessEndpoint
from roadworthy.gateway.request import Answer
from roadworthy.rollout.strategies.recipe import Terms
from roadworthy.services.catalog.contracts import KpiTerms, agree_contract
from roadworthy.services.catalog.datasets import register_dataset
from roadworthy.services.catalog.people import add_person, found
from roadworthy.services.catalog.use_cases import register_use_case
from roadworthy.services.catalog.versions import NewVersion, register_version
from roadworthy.services.gates.hand_off import accept_hand_off
from roadworthy.services.gates.judging.assembly import GateWorkbench
from roadworthy.services.gates.run import WORK, GateOrder, carry_out, run_gate
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.house import House
from roadworthy.services.serve.deploy import deploy
from roadworthy.services.serve.endpoints import register_endpoint
from roadworthy.services.serve.outcomes import Intake, Reported, ingest_outcomes
from roadworthy.services.serve.publish import publish_trust
from roadworthy.services.watch.review import review_endpoint
from roadworthy.statistics.frame import Frame

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CASE, ENDPOINT = "offers", "mailing"
CAST = {
    "olga": "business-owner",
    "dan": "data-scientist",
    "dora": "data-scientist",
    "vera": "validator",
    "victor": "validator",
    "rita": "risk-reviewer",
    "omar": "operator",
    "ada": "auditor",
}
VALUE = "CASE WHEN acted THEN 8 * outcome - 3 ELSE 0 END"
TRAINING = Path(offer_training.__file__)
WORLDS = TRAINING.parent


@dataclass
class World:
    """One installation and the people in it."""

    house: House
    clock: SimulatedClock

    @classmethod
    def in_memory(cls, **parts: Any) -> World:
        """A founded installation with nobody but the administrator; `parts` replace ports of the house."""
        clock = SimulatedClock(START)
        workshop = LocalWorkshop()
        perimeter, artifacts = LocalPerimeter(workshop), parts.get("artifacts") or MemoryArtifacts()
        made: dict[str, Any] = {
            "store": MemoryStore(),
            "artifacts": artifacts,
            "decisions": MemoryLog(),
            "served": MemoryServed(),
            "trust": MemoryServed(),
            "keyring": MemoryKeyring(),
            "policy": CedarPolicy(),
            "clock": clock,
            "engine": InlineEngine(),
            "perimeter": perimeter,
            "workshop": workshop,
            "reports": PrintedReports(),
            "tallies": MemoryTallies(),
            "bench": InsideBench(GateWorkbench(artifacts, workshop, perimeter)),
            **parts,
        }
        world = cls(House(**made), clock)
        world.open()
        return world

    @classmethod
    @contextmanager
    def on_disk(cls, root: Path, **settings: Any) -> Iterator[World]:
        """The same on SQLite, DBOS, files and segments, as `roadworthy up` opens it; one at a time per process."""
        with cls.on("", root, **settings) as world:
            yield world

    @classmethod
    @contextmanager
    def on(cls, url: str, root: Path, engine: WorkEngine | None = None, **settings: Any) -> Iterator[World]:
        """The same with control store and durable work in the database `url`; empty = SQLite in the workspace.

        Checks are judged in this process unless `check_workers` says otherwise.
        """
        clock = SimulatedClock(START)
        plain = {"workspace": root, "store_url": url, "check_workers": 0}
        opened = open_house(Settings(**{**plain, **settings}), clock, engine)
        try:
            yield cls(opened.house, clock)
        finally:
            opened.close()

    def open(self) -> None:
        """What `apps.building` does once the parts are there."""
        found(self.house, "admin")
        self.house.engine.register(WORK, lambda durable, arguments: carry_out(self.house, durable, arguments))
        self.house.engine.launch()
        publish_trust(self.house)

    def fork(self) -> World:
        """An independent copy of an in-memory world."""
        h = self.house
        clock = SimulatedClock(self.clock.now())
        store, artifacts, log, keyring = MemoryStore(), MemoryArtifacts(), MemoryLog(), MemoryKeyring()
        store._contents = copy.deepcopy(h.store._contents)
        artifacts._kept = dict(h.artifacts._kept)
        log._decisions, log._outcomes = list(h.decisions._decisions), list(h.decisions._outcomes)
        log._rules = dict(h.decisions._rules)
        keyring._signers, keyring._retired = dict(h.keyring._signers), dict(h.keyring._retired)
        served, trust = MemoryServed(), MemoryServed()
        served._documents, trust._documents = dict(h.served._documents), dict(h.trust._documents)
        parts = {"store": store, "artifacts": artifacts, "decisions": log, "served": served, "trust": trust}
        bench = InsideBench(GateWorkbench(artifacts, h.workshop, h.perimeter))
        house = replace(
            h, **parts, tallies=MemoryTallies(), keyring=keyring, clock=clock, engine=InlineEngine(), bench=bench
        )
        world = World(house, clock)
        world.open()
        return world

    # Who and what there is

    def who(self, name: str) -> Person:
        """A person of the cast."""
        return self.house.person(name)

    def add(self, name: str, *roles: str) -> Person:
        """One more person."""
        return add_person(self.house, self.who("admin"), name, roles)

    def cast(self) -> None:
        """Everybody of `CAST`."""
        admin = self.who("admin")
        for name, role in CAST.items():
            add_person(self.house, admin, name, [role])

    def use_case(self, **about: Any) -> UseCase:
        """The use case `offers`, owned by olga."""
        plain: dict[str, Any] = {
            "id": CASE,
            "objective": "Offer the plan to those who will take it",
            "owner": "olga",
            "risk_tier": RiskTier.LOW,
            "target": "accepts",
            "positive_label": "yes",
            "label_delay_days": 7.0,
            "decision_points": (DecisionPoint("letter", DecisionPointKind.APPLICATION, "mailer"),),
            "created_at": self.clock.now(),
            "sensitive": ("gender",),
            "segments": ("channel",),
        }
        return register_use_case(self.house, self.who("olga"), UseCase(**{**plain, **about}))

    def data(
        self, role: str, frame: Frame | None = None, *, by: str = "dan", case: str = CASE, **about: Any
    ) -> Dataset:
        """A data set in a role; without a frame, the world's own rows for it."""
        which = DatasetRole[role.upper()]
        seed = {"TRAIN": 1, "SEALED": 2, "PRODUCTION": 3, "VALIDATION": 4}[which.name]
        made = table(900 if which is DatasetRole.TRAIN else 700, seed) if frame is None else frame
        if frame is None and which is DatasetRole.PRODUCTION:
            made = made.with_column("arrived_at", arrivals(made.n_rows))
        return register_dataset(self.house, self.who(by), case, which, parquet(made), f"{role}.parquet", **about)

    def agree(self, **about: Any) -> KpiContract:
        """The contract in which olga says what counts."""
        plain: dict[str, Any] = {
            "use_case": CASE,
            "unit": "EUR",
            "value": VALUE,
            "target": 0.2,
            "holdout_share": 0.1,
            "holdout_acts": False,
            "why": "as this test needs it",
        }
        return agree_contract(self.house, self.who("olga"), KpiTerms(**{**plain, **about}))[0]

    def prepare(self) -> World:
        """People, use case, training, sealed and production data, contract, endpoint."""
        self.cast()
        self.use_case()
        for role in ("train", "sealed", "production"):
            self.data(role)
        self.agree()
        register_endpoint(self.house, self.who("omar"), ENDPOINT, CASE, "letter")
        return self

    def use_case_now(self) -> UseCase:
        """The use case as it is stored."""
        return self.all(UseCase)[0]

    def dataset(self, role: str) -> Dataset:
        """The newest data set in a role."""
        return self.all(Dataset, role=DatasetRole[role.upper()])[-1]

    def register(self, model: bytes | None = None, *, by: str = "dan", **about: Any) -> ModelVersion:
        """A version of the model `offers`; without bytes, a logistic regression with its training code."""
        plain: dict[str, Any] = {
            "use_case": CASE,
            "name": "offers",
            "artifact": artifact() if model is None else model,
            "train_dataset": self.dataset("train").id,
            "threshold": 0.375,
            "inputs": INPUTS,
            "description": "A logistic regression on four inputs.",
            "code_revision": "4f2c",
            "environment": {"scikit-learn": "1"},
        }
        if model is None:
            plain |= {"training": "logistic", "training_code": TRAINING.read_bytes()}
        return register_version(self.house, self.who(by), NewVersion(**{**plain, **about}))

    # The road

    def order(self, version: str, gate: Gate, book: bytes = WAIVED) -> GateOrder:
        """What to run: release and activation on the production sample, for the endpoint."""
        if gate is Gate.VALIDATION:
            return GateOrder(version, gate, book)
        return GateOrder(version, gate, book, production=self.dataset("production").id, endpoint=ENDPOINT)

    def gate(self, version: str, gate: Gate, book: bytes = WAIVED, by: str = "") -> GateRun:
        """Run a gate to its end, as somebody who may."""
        actor = by or {Gate.VALIDATION: "dan", Gate.RELEASE: "rita", Gate.ACTIVATION: "omar"}[gate]
        return run_gate(self.house, self.who(actor), self.order(version, gate, book))

    def validate(self, version: str, book: bytes = WAIVED) -> GateRun:
        """Run validation."""
        return self.gate(version, Gate.VALIDATION, book)

    def sign(self, version: str, by: str = "vera", *, approved: bool = True, reason: str = "holds") -> SignOff:
        """Approve (or reject) the newest validation."""
        return sign_off(self.house, self.who(by), version, approved=approved, reason=reason)

    def accept(self, version: str) -> None:
        """Omar takes the version into operation."""
        accept_hand_off(
            self.house, self.who("omar"), version, service_owner="omar", run_book="Roll back, call omar."
        )

    def activate_fully(self, version: str, book: bytes = WAIVED) -> ModelVersion:
        """Validation, signature, release, hand-off, activation."""
        self.validate(version, book)
        self.sign(version)
        self.gate(version, Gate.RELEASE, book)
        self.accept(version)
        self.gate(version, Gate.ACTIVATION, book)
        return self.version(version)

    def deploy(self, version: str, **about: Any) -> Deployment:
        """Put a version in force on the endpoint; `about` are `Terms`."""
        return deploy(self.house, self.who("omar"), version, ENDPOINT, Terms(**about))

    # Traffic

    def gateway(self, memory: ServedMemory | None = None) -> Gateway:
        """The gateway over this world's documents, keys, artifacts and log; close it."""
        h = self.house
        return build_gateway(h.served, h.trust, h.artifacts, h.decisions, h.clock, memory, h.tallies)

    def ask(self, gateway: Gateway, frame: Frame, names: Sequence[str], endpoint: str = ENDPOINT) -> list[Answer]:
        """Score rows through the in-process endpoint; unit and request ids are `names`."""
        return InProcessEndpoint(gateway, endpoint).predict(frame.select(INPUTS), list(names), list(names))

    def live(self, rows: int, seed: int, prefix: str, **about: Any) -> dict[str, float]:
        """Decide about `rows` new customers now; returns what will happen by request id."""
        frame, y = simulate(rows, seed, **about)
        names = [f"{prefix}-{i}" for i in range(rows)]
        gateway = self.gateway()
        self.ask(gateway, frame, names)
        gateway.close()
        return dict(zip(names, y.tolist(), strict=True))

    def report(self, outcomes: Mapping[str, float]) -> Intake:
        """Omar reports what happened, observed now."""
        now = self.clock.now()
        reported = [Reported(name, value, now) for name, value in outcomes.items()]
        return ingest_outcomes(self.house, self.who("omar"), ENDPOINT, reported)

    def review(self, since: datetime | None = None, until: datetime | None = None) -> ReviewRun:
        """Omar reviews the endpoint."""
        return review_endpoint(self.house, self.who("omar"), ENDPOINT, since, until)

    # What came of it

    def all(self, kind: type[Any], **equals: Any) -> list[Any]:
        """Everything of a kind that is stored."""
        with self.house.store.begin() as tx:
            return list(tx.of(kind).find(**equals))

    def version(self, version: str) -> ModelVersion:
        """A version as it stands."""
        with self.house.store.begin() as tx:
            return tx.of(ModelVersion).get(version)

    def deployment(self) -> Deployment:
        """The newest deployment."""
        return self.all(Deployment)[-1]

    def changes(self) -> list[Change]:
        """The change record, oldest first."""
        with self.house.store.begin() as tx:
            return list(tx.changes.read())

    def actions(self) -> list[str]:
        """What was done, oldest first."""
        return [c.action for c in self.changes()]

    def actions_now(self) -> list[str]:
        """The same inside a transaction of the memory store, where no other can begin."""
        return [json.loads(body)["action"] for body in self.house.store._contents.changes]

    def force_state(self, version: str, state: State) -> None:
        """Move a version past the life cycle, as no service would."""
        with self.house.store.begin() as tx:
            now = tx.of(ModelVersion).get(version)
            tx.of(ModelVersion).replace(now, replace(now, state=state))

    def work(self) -> list[WorkItem]:
        """All work items."""
        return self.all(WorkItem)

    def endpoints(self) -> list[Endpoint]:
        """All endpoints."""
        return self.all(Endpoint)


V1 = "offers:1"
"""The first version of the model `offers`."""

STAGES = ("prepared", "registered", "validated", "signed", "candidate", "handed-off", "activated", "serving")


@lru_cache(maxsize=len(STAGES))
def _stage(name: str) -> World:
    if name == "prepared":
        return World.in_memory().prepare()
    world = at(STAGES[STAGES.index(name) - 1])
    {
        "registered": world.register,
        "validated": lambda: world.validate(V1),
        "signed": lambda: world.sign(V1),
        "candidate": lambda: world.gate(V1, Gate.RELEASE),
        "handed-off": lambda: world.accept(V1),
        "activated": lambda: world.gate(V1, Gate.ACTIVATION),
        "serving": lambda: world.deploy(V1),
    }[name]()
    return world


def at(stage: str) -> World:
    """A world of one's own in which `offers:1` has come as far as `stage` (one of `STAGES`), steps waived."""
    return _stage(stage).fork()


@lru_cache(maxsize=1)
def _lived() -> World:
    world = World.in_memory().prepare()
    world.register()
    world.activate_fully(V1, FULL)
    world.deploy(V1)
    for seed, shift in ((11, 0.0), (12, 0.8)):
        happened = world.live(700, seed, f"m{seed}", shift=shift)
        world.clock.advance(days(9))
        world.report(happened)
        world.review()
    return world


def lived() -> World:
    """A world of one's own in which `offers:1` passed every real check, served for two months and was reviewed."""
    return _lived().fork()


def days(n: float) -> timedelta:
    """A number of days."""
    return timedelta(days=n)
