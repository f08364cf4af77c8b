"""Keys of another service sign while no transaction is open: every act, contention, a service that is away."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "faults")]

from acts import ACTS, assert_settled  # noqa: E402 - the line above says where from
from small_world import V1, World, at  # noqa: E402

from roadworthy.adapters.access.cedar import CedarPolicy  # noqa: E402
from roadworthy.adapters.clock import SimulatedClock  # noqa: E402
from roadworthy.domain.errors import ConflictError, LostUpdateError, UnavailableError  # noqa: E402
from roadworthy.domain.model import ModelVersion  # noqa: E402
from roadworthy.domain.ports import Keyring, Signer, Store, Transaction  # noqa: E402
from roadworthy.domain.trust import Evidence, EvidenceKind, Person  # noqa: E402
from roadworthy.services.access.keys import rotate_key  # noqa: E402
from roadworthy.services.ahead import ROUNDS, sign_due_checkpoint  # noqa: E402
from roadworthy.services.licence.standing import suspend  # noqa: E402
from roadworthy.services.watch.verify import verify_changes  # noqa: E402

_MINUTE = timedelta(minutes=1)


class WatchedStore:
    """A store that knows whether a transaction of this test is open."""

    def __init__(self, kept: Store) -> None:
        self.kept = kept
        self.open = 0
        self._contents: Any = None

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self.kept.begin() as tx:
            self.open += 1
            try:
                yield tx
            finally:
                self.open -= 1

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self.kept.read() as tx:
            self.open += 1
            try:
                yield tx
            finally:
                self.open -= 1

    def close(self) -> None:
        self.kept.close()


@dataclass
class KeyService:
    """Keys in another service: each call is refused while a transaction is open, counted, and may be interrupted."""

    kept: Keyring
    store: WatchedStore
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    away: bool = False

    def call(self, what: str) -> None:
        assert not self.store.open, f"'{what}' is asked of the key service inside of a transaction"
        self.asked.append(what)
        if self.away:
            raise UnavailableError("the key service does not answer", remedy="Wait.")
        self.meanwhile()

    def create(self, person: str) -> Signer:
        self.call(f"create {person}")
        return FarKey(self.kept.create(person), self)

    def renew(self, person: str) -> Signer:
        self.call(f"renew {person}")
        return FarKey(self.kept.renew(person), self)

    def signer(self, person: str, key_id: str = "") -> Signer:
        return FarKey(self.kept.signer(person, key_id), self)

    def retire(self, person: str, key_id: str) -> None:
        self.kept.retire(person, key_id)

    def public_keys(self, person: str) -> dict[str, str]:
        return self.kept.public_keys(person)


@dataclass
class FarKey:
    kept: Signer
    service: KeyService

    @property
    def key_id(self) -> str:
        return self.kept.key_id

    @property
    def public_key(self) -> str:
        return self.kept.public_key

    @property
    def far(self) -> bool:
        return True

    def sign(self, payload: bytes) -> bytes:
        self.service.call("sign")
        return self.kept.sign(payload)


@dataclass
class RunningClock:
    """A clock that goes on whenever somebody looks at it, as real ones do."""

    kept: SimulatedClock

    def now(self) -> datetime:
        self.kept.advance(timedelta(milliseconds=1))
        return self.kept.now()


def far(world: World) -> tuple[World, KeyService]:
    """The world with all its keys in another service."""
    store = WatchedStore(world.house.store)
    service = KeyService(world.house.keyring, store)
    policy = CedarPolicy()  # its own: an act may put another in force
    clock = RunningClock(world.clock)
    return replace(
        world, house=replace(world.house, store=store, keyring=service, policy=policy, clock=clock)
    ), service


@pytest.mark.parametrize("name", ACTS)
def test_no_act_asks_a_key_service_inside_of_a_transaction_and_each_is_done_once(name: str) -> None:
    act = ACTS[name]
    world, _ = far(at("serving"))
    act.prepare(world)
    before = world.actions().count(act.told)
    act.do(world)
    if act.told:
        assert world.actions().count(act.told) == before + 1
    sign_due_checkpoint(world.house)
    assert_settled(world)


def test_most_acts_of_the_list_do_ask_for_signatures() -> None:
    asked: dict[str, int] = {}
    for name in ("suspend", "sign off", "deploy", "rotate a key", "register data", "add a person"):
        world, service = far(at("serving"))
        ACTS[name].prepare(world)
        service.asked.clear()
        ACTS[name].do(world)
        asked[name] = len(service.asked)
    assert asked["register data"] == 0
    assert asked["add a person"] == 1
    assert asked["sign off"] == 1
    assert asked["suspend"] == 3  # the suspension, the deployment that moved, and its checkpoint
    assert asked["deploy"] == 4  # two deployments, and a checkpoint of each
    assert asked["rotate a key"] == 2  # the new key is made, and the rotation's checkpoint


def test_who_writes_meanwhile_is_not_waited_for_and_nothing_is_lost() -> None:
    world, service = far(at("serving"))
    written: list[str] = []

    def write() -> None:
        if len(written) < 3:
            written.append("x")
            with world.house.store.begin() as tx:
                world.house.record(tx, "omar", "noted", V1, f"note {len(written)}")

    service.meanwhile = write
    suspend(world.house, world.who("rita"), V1, "an incident")
    assert world.actions().count("noted") == 3
    assert world.actions().count("suspended") == 1
    assert verify_changes(world.house) == len(world.changes())


def test_what_changes_with_every_round_is_given_up_after_a_bounded_number_of_them() -> None:
    world, service = far(at("serving"))

    def describe_anew() -> None:
        with world.house.store.begin() as tx:
            version = tx.of(ModelVersion).get(V1)
            tx.of(ModelVersion).replace(version, replace(version, description=f"note {len(service.asked)}"))

    service.meanwhile = describe_anew
    with pytest.raises(ConflictError, match=f"{ROUNDS} times in a row"):
        suspend(world.house, world.who("rita"), V1, "an incident")
    assert "suspended" not in world.actions()
    assert len(service.asked) < ROUNDS


def test_while_the_key_service_is_away_nothing_that_signs_happens() -> None:
    world, service = far(at("serving"))
    service.away = True
    with pytest.raises(UnavailableError):
        suspend(world.house, world.who("rita"), V1, "an incident")
    assert "suspended" not in world.actions()


def test_a_checkpoint_that_could_not_be_signed_after_the_commit_is_signed_at_the_next_tick() -> None:
    world, service = far(at("serving"))
    world = replace(world, house=replace(world.house, checkpoint_every=1))
    service.meanwhile = lambda: setattr(service, "away", len(service.asked) >= 2)
    suspend(world.house, world.who("rita"), V1, "an incident")
    head = world.changes()[-1]
    assert head.digest not in {e.subject for e in world.all(Evidence)}
    service.away, service.meanwhile = False, lambda: None
    made = sign_due_checkpoint(world.house)
    assert made is not None
    assert (made.subject, made.kind) == (head.digest, EvidenceKind.CHECKPOINT)
    assert sign_due_checkpoint(world.house) == made
    assert verify_changes(world.house) == len(world.changes())


def test_a_key_that_is_here_signs_at_once_and_no_tick_is_needed() -> None:
    world = at("serving")
    assert sign_due_checkpoint(world.house) is None


def test_a_signature_of_a_key_that_was_rotated_meanwhile_is_not_kept() -> None:
    world, service = far(at("serving"))
    rotated: list[Person] = []

    def rotate() -> None:
        if not rotated:
            rotated.append(world.who("rita"))
            world.clock.advance(_MINUTE)
            rotate_key(replace(world.house), world.who("admin"), "rita", "as planned")

    service.meanwhile = rotate
    with pytest.raises(LostUpdateError, match="the key of rita was rotated meanwhile"):
        suspend(world.house, world.who("rita"), V1, "an incident")
    service.meanwhile = lambda: None
    suspend(world.house, world.who("rita"), V1, "an incident")
    assert_settled(world)
