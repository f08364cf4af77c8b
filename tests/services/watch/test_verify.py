"""Verifying: a bundle proves a version offline; the chain shows where it was touched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_world import STAGES, V1, World, at

from roadworthy.domain.errors import ChainBrokenError, NotFoundError
from roadworthy.domain.trust import EvidenceKind, Role
from roadworthy.evidence.bundle import Bundle, ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.watch.verify import bundle, changes, evidence_of, trust_root, verify_changes


@pytest.fixture
def world() -> World:
    return at("serving")


def parts(world: World) -> tuple[Bundle, TrustRoot, bytes]:
    found = bundle(world.house, V1)
    return found, trust_root(world.house), world.house.artifacts.get(found.artifact)


@pytest.mark.parametrize("stage", STAGES[2:])
def test_a_bundle_of_any_stage_holds_after_a_journey_as_bytes(stage: str) -> None:
    found, trust, artifact = parts(at(stage))
    report = verify_bundle(decode_bundle(encode_bundle(found)), trust, artifact, now=None)
    assert [(i.name, i.why) for i in report.items if i.status is not ItemStatus.OK] == []
    assert report.holds


def test_a_version_nobody_judged_yet_proves_nothing() -> None:
    found, trust, artifact = parts(at("registered"))
    assert not verify_bundle(found, trust, artifact, now=None).holds


def test_a_flipped_bit_of_the_artifact_is_wrong(world: World) -> None:
    found, trust, artifact = parts(world)
    report = verify_bundle(found, trust, artifact[:100] + bytes([artifact[100] ^ 1]) + artifact[101:], now=None)
    assert [i.name for i in report.of(ItemStatus.WRONG)] == ["artifact"]
    assert not report.holds


def test_without_the_artifact_it_is_neither_right_nor_wrong(world: World) -> None:
    found, trust, _ = parts(world)
    report = verify_bundle(found, trust, None, now=None)
    assert [i.name for i in report.of(ItemStatus.COULD_NOT_VERIFY)] == ["artifact"]
    assert (report.of(ItemStatus.WRONG), report.holds) == ((), False)


def test_without_a_signers_key_it_could_not_be_verified(world: World) -> None:
    found, trust, artifact = parts(world)
    without = TrustRoot(tuple(p for p in trust.people if p.id != "vera"))
    report = verify_bundle(found, without, artifact, now=None)
    named = {i.name for i in report.of(ItemStatus.COULD_NOT_VERIFY)}
    assert any("envelope" in n for n in named)
    assert not report.of(ItemStatus.WRONG)


def test_a_signature_by_somebody_without_the_role_is_wrong(world: World) -> None:
    found, trust, artifact = parts(world)
    demoted = TrustRoot(tuple(replace(p, roles=(Role.AUDITOR,)) if p.id == "vera" else p for p in trust.people))
    assert any("sign-off" in i.name for i in verify_bundle(found, demoted, artifact, now=None).of(ItemStatus.WRONG))


def test_a_change_that_was_edited_is_wrong(world: World) -> None:
    found, trust, artifact = parts(world)
    edited = replace(found.changes[5], why="nothing happened")
    spoiled = replace(found, changes=(*found.changes[:5], edited, *found.changes[6:]))
    report = verify_bundle(spoiled, trust, artifact, now=None)
    assert [i.name for i in report.of(ItemStatus.WRONG)] == ["change record"]


def test_the_whole_change_record_verifies(world: World) -> None:
    assert verify_changes(world.house) == len(world.changes())


def test_a_record_that_was_cut_in_the_middle_says_where(world: World) -> None:
    del world.house.store._contents.changes[4]
    with pytest.raises(ChainBrokenError) as broken:
        verify_changes(world.house)
    assert broken.value.fields["seq"] in (5, 6)


def test_the_newest_changes_come_first_and_can_be_asked_of_one_subject(world: World) -> None:
    newest = changes(world.house, limit=3)
    about = changes(world.house, subject=V1)
    assert [c.seq for c in newest] == sorted((c.seq for c in newest), reverse=True)
    assert len(newest) == 3
    assert {c.subject for c in about} == {V1}
    assert about[-1].action == "version-registered"


def test_the_evidence_of_a_version_is_told_by_kind(world: World) -> None:
    kinds = [e.kind for e in evidence_of(world.house, V1)]
    assert kinds.count(EvidenceKind.GATE_RUN) == 3
    assert [e.signer for e in evidence_of(world.house, V1, EvidenceKind.SIGN_OFF)] == ["vera"]


def test_an_unknown_version_has_no_bundle(world: World) -> None:
    with pytest.raises(NotFoundError, match="offers:9"):
        bundle(world.house, "offers:9")
