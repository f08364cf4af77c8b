"""Nothing is loaded that does not verify: one flipped byte in any piece, and the gateway refuses and names it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from simulated_offers import simulate
from small_world import ENDPOINT, V1, World, at, days

from roadworthy.adapters.artifacts.naming import key_of
from roadworthy.adapters.served.newest import FileNewest
from roadworthy.domain.errors import UnavailableError
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.envelope import claimed_kind, open_envelope
from roadworthy.evidence.served import decode_served, encode_served, verify_served
from roadworthy.evidence.trust import TRUST
from roadworthy.gateway.plane import Gateway
from roadworthy.gateway.resolve import Health
from roadworthy.services.serve.deploy import roll_back
from roadworthy.services.watch.verify import trust_root

FRAME, _ = simulate(3, 8)
KINDS = ("gate-run", "sign-off", "kpi-contract", "deployment")
POSITIONS = 12
"""Bytes flipped per piece here; the laws over every position of the small pieces are below and in tests/evidence."""


@pytest.fixture
def world() -> World:
    return at("serving")


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1 << position % 8]) + data[position + 1 :]


def spread(size: int, count: int = POSITIONS) -> list[int]:
    return sorted({size * i // count for i in range(count)} | {size - 1})


def kept(world: World, digest: str) -> bytes:
    return bytes(world.house.artifacts._kept[key_of(digest)])


def damage_kept(world: World, digest: str, position: int) -> None:
    world.house.artifacts._kept[key_of(digest)] = flipped(kept(world, digest), position)


def playbook(world: World) -> str:
    served = decode_served(document(world))
    return next(iter(verify_served(served, trust_root(world.house), now=None).playbooks))


def document(world: World) -> bytes:
    found = world.house.served.read(ENDPOINT)
    assert found is not None
    return found


def envelope_of(world: World, kind: str) -> tuple[int, dict[str, Any]]:
    envelopes = decode_served(document(world)).envelopes
    place = next(i for i, text in enumerate(envelopes) if claimed_kind(text) == kind)
    return place, json.loads(envelopes[place])


def part_of(envelope: dict[str, Any], part: str) -> bytes:
    return base64.b64decode(envelope["payload"] if part == "payload" else envelope["signatures"][0]["sig"])


def damage_envelope(world: World, kind: str, part: str, position: int) -> None:
    """Flip a byte of the signed payload or of the signature, inside a document that is otherwise well formed."""
    place, envelope = envelope_of(world, kind)
    spoiled = base64.b64encode(flipped(part_of(envelope, part), position)).decode()
    if part == "payload":
        envelope["payload"] = spoiled
    else:
        envelope["signatures"][0]["sig"] = spoiled
    value = json.loads(document(world))
    value["envelopes"][place] = canonical(envelope).decode()
    world.house.served.publish(ENDPOINT, canonical(value))


def damage_trust(world: World, position: int) -> None:
    data = world.house.trust.read(TRUST)
    assert data is not None
    world.house.trust.publish(TRUST, flipped(data, position))


Piece = tuple[Callable[[World], int], Callable[[World, int], None], str]

PIECES: dict[str, Piece] = {
    "artifact": (
        lambda w: len(kept(w, w.version(V1).artifact)),
        lambda w, p: damage_kept(w, w.version(V1).artifact, p),
        "the bytes kept as",
    ),
    "playbook": (lambda w: len(kept(w, playbook(w))), lambda w, p: damage_kept(w, playbook(w), p), "playbook"),
    "trust root": (lambda w: len(w.house.trust.read(TRUST) or b""), damage_trust, "trust root"),
    "served document": (
        lambda w: len(document(w)),
        lambda w, p: w.house.served.publish(ENDPOINT, flipped(document(w), p)),
        "",
    ),
    **{
        f"{kind} {part}": (
            lambda w, kind=kind, part=part: len(part_of(envelope_of(w, kind)[1], part)),
            lambda w, p, kind=kind, part=part: damage_envelope(w, kind, part, p),
            kind if part == "signature" else "envelope",
        )
        for kind in KINDS
        for part in ("payload", "signature")
    },
}


def refusal(world: World, memory: FileNewest | None = None) -> str:
    """Why a gateway that starts now serves nothing."""
    gateway = world.gateway(memory)
    try:
        with pytest.raises(UnavailableError, match="has no deployment that verifies") as caught:
            world.ask(gateway, FRAME, ["a", "b", "c"])
        return str(caught.value)
    finally:
        gateway.close()


def test_untouched_it_serves(world: World) -> None:
    gateway = world.gateway()
    (answer,) = world.ask(gateway, FRAME, ["a", "b", "c"])
    assert len(answer.scores) == 3
    gateway.close()


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_one_flipped_byte_in_any_piece_is_refused_and_the_piece_is_named(piece: Piece) -> None:
    size, damage, named = piece
    for position in spread(size(at("serving"))):
        spoiled = at("serving")
        damage(spoiled, position)
        assert named in refusal(spoiled), position


@pytest.fixture
def serving(world: World) -> Iterator[Gateway]:
    gateway = world.gateway()
    world.ask(gateway, FRAME, ["first-a", "first-b", "first-c"])
    yield gateway
    gateway.close()


@pytest.mark.parametrize("name", [n for n in PIECES if n not in ("artifact", "playbook")])
def test_the_last_good_deployment_serves_on_while_a_damaged_piece_is_in_force(
    world: World, serving: Gateway, name: str
) -> None:
    size, damage, named = PIECES[name]
    damage(world, size(world) // 2)
    (answer,) = world.ask(serving, FRAME, ["a", "b", "c"])
    assert answer.revision == 1
    health = serving.resolver.endpoint_health(ENDPOINT)
    assert health.health is Health.DEGRADED
    assert named in health.reason


@pytest.mark.parametrize("name", ["playbook", "trust root"])
def test_a_changed_configuration_is_verified_again_with_all_that_belongs_to_it(
    world: World, serving: Gateway, name: str
) -> None:
    size, damage, named = PIECES[name]
    damage(world, size(world) // 2)
    if name == "playbook":
        world.house.served.publish(ENDPOINT, document(world))
    world.ask(serving, FRAME, ["a", "b", "c"])
    assert named in serving.resolver.endpoint_health(ENDPOINT).reason


def test_a_key_that_is_no_longer_trusted_is_noticed_without_a_new_document(world: World, serving: Gateway) -> None:
    demoted = World.in_memory()
    found = demoted.house.trust.read(TRUST)
    assert found is not None
    world.house.trust.publish(TRUST, found)
    world.ask(serving, FRAME, ["a", "b", "c"])
    assert "not in the trust root" in serving.resolver.endpoint_health(ENDPOINT).reason


def test_a_playbook_that_is_gone_could_not_be_verified(world: World) -> None:
    del world.house.artifacts._kept[key_of(playbook(world))]
    assert "is not in the artifact store" in refusal(world)


@pytest.mark.parametrize("kind", ["sign-off", "deployment"])
def test_every_single_byte_of_a_small_envelope_matters(world: World, kind: str) -> None:
    trust = trust_root(world.house)
    place, _ = envelope_of(world, kind)
    text = decode_served(document(world)).envelopes[place]
    open_envelope(text, trust, now=None)
    for position in range(len(text)):
        changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        with pytest.raises(Exception, match=r".") as caught:
            open_envelope(changed, trust, now=None)
        assert type(caught.value).__name__ in ("SignatureWrongError", "CouldNotVerifyError"), position


def test_every_single_byte_of_the_playbook_matters(world: World) -> None:
    digest = playbook(world)
    good = kept(world, digest)
    for position in range(len(good)):
        world.house.artifacts._kept[key_of(digest)] = flipped(good, position)
        with pytest.raises(Exception, match="are others now"):
            world.house.artifacts.get(digest)


# An old signed document stays genuine for ever


def test_an_older_revision_is_refused_after_a_restart_too(world: World, tmp_path: Path) -> None:
    old = document(world)
    world.clock.advance(days(1))
    roll_back(world.house, world.who("omar"), ENDPOINT, "drill")
    gateway = world.gateway(FileNewest(tmp_path))
    world.ask(gateway, FRAME, ["a", "b", "c"])
    assert gateway.resolver.current(ENDPOINT).deployment.revision == 2
    gateway.close()
    world.house.served.publish(ENDPOINT, old)
    assert "older than what was served (revision 2" in refusal(world, FileNewest(tmp_path))
    assert encode_served(decode_served(old)) == old, "the old document is as genuine as ever"


def test_without_a_memory_a_restart_forgets(world: World) -> None:
    old = document(world)
    roll_back(world.house, world.who("omar"), ENDPOINT, "drill")
    world.house.served.publish(ENDPOINT, old)
    gateway = world.gateway()
    world.ask(gateway, FRAME, ["a", "b", "c"])
    assert gateway.resolver.current(ENDPOINT).deployment.revision == 1
    gateway.close()


def test_a_memory_nobody_can_read_serves_nothing(world: World, tmp_path: Path) -> None:
    gateway = world.gateway(FileNewest(tmp_path))
    world.ask(gateway, FRAME, ["a", "b", "c"])
    gateway.close()
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(b"{")
    assert "what was last served" in refusal(world, FileNewest(tmp_path))
