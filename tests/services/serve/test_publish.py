"""Publishing: what is in force is signed, published once, and refused by every gateway when a byte is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.domain import faults
from roadworthy.domain.errors import IntegrityError, UnavailableError
from roadworthy.domain.trust import EvidenceKind
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.served import decode_served, verify_served
from roadworthy.evidence.trust import TRUST
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.resolve import Health
from roadworthy.services.licence.standing import suspend
from roadworthy.services.serve.publish import publish, publish_all, publish_trust
from roadworthy.services.watch.verify import trust_root

FRAME, _ = simulate(20, 8)
NAMES = [f"r{i}" for i in range(20)]


@pytest.fixture
def world() -> World:
    return at("serving")


@pytest.fixture
def gateway(world: World) -> Iterator[Gateway]:
    made = world.gateway()
    yield made
    made.close()


def document(world: World) -> bytes:
    found = world.house.served.read(ENDPOINT)
    assert found is not None
    return found


def test_the_document_carries_every_paper_the_version_needs_and_no_more(world: World) -> None:
    served = decode_served(document(world))
    kinds = [open_envelope(e, trust_root(world.house), now=None).kind for e in served.envelopes]
    assert sorted(k.value for k in kinds) == sorted(
        [k.value for k in (EvidenceKind.DEPLOYMENT, EvidenceKind.KPI_CONTRACT, EvidenceKind.SIGN_OFF)]
        + [EvidenceKind.GATE_RUN.value] * 3
    )
    (licence,) = verify_served(served, trust_root(world.house), endpoint=ENDPOINT, now=None).licences
    assert (licence.version, licence.signers) == (V1, ("vera",))


def test_publishing_again_changes_nothing(world: World) -> None:
    before = (document(world), world.house.served.stamp(ENDPOINT), world.house.trust.stamp(TRUST))
    publish(world.house, ENDPOINT)
    publish_all(world.house)
    publish_trust(world.house)
    assert (document(world), world.house.served.stamp(ENDPOINT), world.house.trust.stamp(TRUST)) == before


def test_what_was_committed_and_not_published_is_published_at_the_next_start() -> None:
    world = at("activated")

    class GoneError(BaseException):
        """Stands for the end of the process."""

    def crash() -> None:
        raise GoneError

    faults.arm("deploy.before-publish", crash)
    with pytest.raises(GoneError):
        world.deploy(V1)
    faults.disarm_all()
    assert world.house.served.read(ENDPOINT) is None
    publish_all(world.house)
    assert decode_served(document(world)).deployment == world.deployment()


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_one_flipped_bit_anywhere_is_refused_by_the_verification(world: World, share: float) -> None:
    data = document(world)
    with pytest.raises(IntegrityError):
        verify_served(decode_served(flip(data, int(len(data) * share))), trust_root(world.house), now=None)


def test_a_gateway_that_never_saw_a_good_document_answers_nothing(world: World, gateway: Gateway) -> None:
    world.house.served.publish(ENDPOINT, flip(document(world), 500))
    with pytest.raises(UnavailableError, match="has no deployment that verifies"):
        world.ask(gateway, FRAME, NAMES)
    assert gateway.resolver.endpoint_health(ENDPOINT).health is Health.BROKEN
    assert world.house.decisions.read(ENDPOINT) == []


def test_a_gateway_that_serves_goes_on_with_the_last_good_document_and_says_so(
    world: World, gateway: Gateway
) -> None:
    world.ask(gateway, FRAME, NAMES)
    world.house.served.publish(ENDPOINT, flip(document(world), 500))
    (answer,) = world.ask(gateway, FRAME, [f"again-{n}" for n in NAMES])
    assert answer.revision == 1
    assert gateway.resolver.endpoint_health(ENDPOINT).health is Health.DEGRADED


def test_a_gateway_refuses_an_artifact_whose_bytes_were_exchanged(world: World, gateway: Gateway) -> None:
    digest = world.version(V1).artifact
    world.house.artifacts._kept = {
        k: (flip(v, 9) if digest in k else v) for k, v in world.house.artifacts._kept.items()
    }
    with pytest.raises(UnavailableError, match="has no deployment that verifies"):
        world.ask(gateway, FRAME, NAMES)


def test_a_gateway_without_a_trust_root_trusts_nobody(world: World, gateway: Gateway) -> None:
    world.house.trust._documents.clear()
    with pytest.raises(UnavailableError, match="there is no trust root"):
        world.ask(gateway, FRAME, NAMES)


def test_a_person_nobody_knows_any_more_voids_what_they_signed(world: World, gateway: Gateway) -> None:
    stranger = at("prepared")
    publish_trust(stranger.house)
    other = World.in_memory()
    found = other.house.trust.read(TRUST)
    assert found is not None
    world.house.trust.publish(TRUST, found)
    with pytest.raises(UnavailableError, match="has no deployment that verifies"):
        world.ask(gateway, FRAME, NAMES)


def test_every_answer_is_in_the_log_before_it_is_given(world: World, gateway: Gateway) -> None:
    (answer,) = world.ask(gateway, FRAME, NAMES)
    logged = world.house.decisions.read(ENDPOINT)
    assert [d.request_id for d in logged] == list(answer.request_ids) == NAMES
    assert {d.version for d in logged} <= {V1, ""}


@pytest.mark.parametrize(
    "terms", [{"holdout_share": 0.05}, {"holdout_acts": True}], ids=["smaller", "other action"]
)
def test_a_contract_agreed_later_does_not_take_down_what_serves(world: World, terms: dict[str, Any]) -> None:
    before = document(world)
    world.clock.advance(days(1))
    world.agree(**terms)
    publish_all(world.house)
    assert document(world) == before
    verify_served(decode_served(document(world)), trust_root(world.house), now=None)


def test_what_was_recorded_between_making_and_publishing_is_in_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Documents are made outside of the writers' turn: in it they are made again when the record has grown."""
    world = at("serving")
    house = world.house
    house.served._documents.clear()
    begin, raced = house.store.begin, []

    def begin_after_somebody_else() -> Any:
        if not raced:
            raced.append(1)
            suspend(house, world.who("omar"), V1, "a drill")
        return begin()

    monkeypatch.setattr(house.store, "begin", begin_after_somebody_else)
    publish_all(house)
    document = house.served.read(ENDPOINT)
    assert document is not None
    assert decode_served(document).deployment == world.deployment()
