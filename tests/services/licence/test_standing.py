"""Suspension, reinstatement and retirement are signed statements: in the bundle, in the dossier, and provable."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

from small_playbooks import WAIVED
from small_world import V1, World, at, days

from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import EvidenceKind
from roadworthy.evidence.bundle import Bundle, BundleReport, ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.envelope import OpenedStatement, open_envelope
from roadworthy.evidence.licence import STANDING
from roadworthy.services.dossier.items import items_of
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.gates.sign_off import renew, sign_off
from roadworthy.services.licence.expiry import expire
from roadworthy.services.licence.standing import reinstate, retire, suspend
from roadworthy.services.watch.verify import bundle, evidence_of, trust_root

NAME = "suspension, reinstatement and retirement"


def told(world: World) -> World:
    """`offers:1` was suspended by hand and reinstated by hand."""
    suspend(world.house, world.who("omar"), V1, "an incident")
    world.clock.advance(days(1))
    reinstate(world.house, world.who("rita"), V1, "looked into")
    return world


def signed(world: World) -> list[OpenedStatement]:
    """What was signed of the version's standing, oldest first."""
    kept = [e for e in evidence_of(world.house, V1) if e.kind in STANDING.values()]
    return [open_envelope(e.envelope, trust_root(world.house), now=None) for e in kept]


def judged(world: World, changed: Callable[[Bundle], Bundle] = lambda b: b) -> BundleReport:
    """What verification says of the version's bundle, after somebody changed it."""
    found = changed(bundle(world.house, V1))
    artifact = world.house.artifacts.get(found.artifact)
    return verify_bundle(decode_bundle(encode_bundle(found)), trust_root(world.house), artifact, now=None)


def standing_item(report: BundleReport) -> tuple[ItemStatus, str]:
    (item,) = [i for i in report.items if i.name == NAME]
    return item.status, item.why


def without(kind: EvidenceKind) -> Callable[[Bundle], Bundle]:
    """A bundle without the envelopes of one kind."""
    mark = f"https://roadworthy.dev/{kind.value}/"

    def changed(whole: Bundle) -> Bundle:
        kept = tuple(e for e in whole.envelopes if mark not in _payload(e))
        assert len(kept) < len(whole.envelopes)
        return replace(whole, envelopes=kept)

    return changed


def _payload(envelope: str) -> str:
    return base64.b64decode(json.loads(envelope)["payload"]).decode()


def in_state(state: State) -> Callable[[Bundle], Bundle]:
    """A bundle whose version claims another state than it has."""
    return lambda whole: replace(whole, version=replace(whole.version, state=state))


def test_whoever_suspends_reinstates_or_retires_signs_it_with_reason_and_state_before() -> None:
    world = told(at("serving"))
    suspend(world.house, world.who("omar"), V1, "old")
    retire(world.house, world.who("omar"), V1, "replaced")
    said = [(o.kind.value, o.person.id, o.fact("reason"), o.fact("before")) for o in signed(world)]
    assert said == [
        ("suspension", "omar", "an incident", "activated"),
        ("reinstatement", "rita", "looked into", "suspended"),
        ("suspension", "omar", "old", "activated"),
        ("retirement", "omar", "replaced", "suspended"),
    ]
    assert {o.subject for o in signed(world)} == {world.version(V1).artifact}


def test_what_follows_from_a_date_or_a_renewal_is_signed_by_the_platform_and_says_so() -> None:
    world = at("registered")
    terms = b'\napproval:\n  low: {max_age_days: 10, reason: "a test"}\n'
    world.validate(V1, WAIVED + terms)
    sign_off(world.house, world.who("vera"), V1, approved=True, reason="ok")
    world.gate(V1, Gate.RELEASE)
    world.accept(V1)
    world.gate(V1, Gate.ACTIVATION)
    world.clock.advance(days(11))
    expire(world.house)
    renewal = renew(world.house, world.who("vera"), V1, approved=True, reason="read")
    down, up = signed(world)
    assert (down.person.id, down.fact("cause"), down.fact("reason")[:29]) == (
        "platform",
        "expiry",
        "the approval of offers:1 ende",
    )
    assert (up.person.id, up.fact("sign_off")) == ("platform", renewal.id)
    assert judged(world).holds


def test_a_bundle_tells_who_moved_the_version_and_holds() -> None:
    world = told(at("serving"))
    assert standing_item(judged(world)) == (ItemStatus.OK, "suspension by omar, reinstatement by rita")
    assert judged(world).holds
    suspend(world.house, world.who("omar"), V1, "old")
    assert judged(world).holds
    retire(world.house, world.who("omar"), V1, "old")
    assert judged(world).holds


def test_without_its_statement_a_move_could_not_be_verified() -> None:
    world = told(at("serving"))
    for kind in (EvidenceKind.SUSPENSION, EvidenceKind.REINSTATEMENT):
        status, why = standing_item(judged(world, without(kind)))
        assert (status, kind.value in why) == (ItemStatus.COULD_NOT_VERIFY, True)


def test_a_suspended_version_that_claims_to_be_activated_is_wrong() -> None:
    world = at("serving")
    suspend(world.house, world.who("omar"), V1, "an incident")
    for state in (State.ACTIVATED, State.RETIRED):
        status, why = standing_item(judged(world, in_state(state)))
        assert (status, why) == (ItemStatus.WRONG, f"version {V1} is {state.value}, and was suspended last")


def test_a_version_nobody_suspended_does_not_pass_for_suspended_or_retired() -> None:
    world = at("serving")
    for state in (State.SUSPENDED, State.RETIRED):
        status, _ = standing_item(judged(world, in_state(state)))
        assert status is ItemStatus.COULD_NOT_VERIFY


def test_after_the_whole_road_once_more_a_suspended_version_is_activated_without_a_reinstatement() -> None:
    world = at("serving")
    suspend(world.house, world.who("omar"), V1, "x")
    world.activate_fully(V1)
    assert world.version(V1).state is State.ACTIVATED
    assert judged(world).holds


def test_a_statement_no_link_names_is_wrong() -> None:
    world = told(at("serving"))

    def forgot(whole: Bundle) -> Bundle:
        return replace(whole, changes=tuple(c for c in whole.changes if c.action != "suspended"))

    status, why = standing_item(judged(world, forgot))
    assert (status, "no link of the change record names" in why) == (ItemStatus.WRONG, True)


def test_one_changed_bit_of_a_standing_statement_never_holds() -> None:
    world = told(at("serving"))
    found = bundle(world.house, V1)
    artifact = world.house.artifacts.get(found.artifact)
    data, trust = encode_bundle(found), trust_root(world.house)
    texts = [e.envelope for e in evidence_of(world.house, V1) if e.kind in STANDING.values()]
    assert len(texts) == 2
    for text in texts:
        start = data.index(text[1:60].replace('"', '\\"').encode())
        for position in range(start, start + len(text), 37):
            changed = bytearray(data)
            changed[position] ^= 1 << position % 7
            try:
                touched = decode_bundle(bytes(changed))
            except CouldNotVerifyError:
                continue
            assert not verify_bundle(touched, trust, artifact, now=None).holds


def test_the_dossier_lists_them_as_signed_items_and_notices_a_link_that_says_something_else() -> None:
    world = told(at("serving"))
    record = read_record(world.house, V1)
    proof = prove(record)
    assert proof.problems == ()
    items = {i.kind: i for i in items_of(record, proof) if i.kind in ("suspension", "reinstatement")}
    assert [(i.what, i.signed, i.place) for i in items.values()] == [
        ("suspension by omar", True, "standing"),
        ("reinstatement by rita", True, "standing"),
    ]
    links = tuple(replace(c, why="a holiday") if c.action == "suspended" else c for c in record.links)
    wrong = [p.name for p in prove(replace(record, links=links)).wrong]
    assert any("suspended" in name for name in wrong)
