"""Offline verification: every item of a bundle is ok, wrong, or could not be verified."""

import json
from dataclasses import replace

import pytest

from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Role
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import ItemStatus, decode_bundle, encode_bundle, verify_bundle
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.trust import TrustRoot

OK, WRONG, UNKNOWN = ItemStatus.OK, ItemStatus.WRONG, ItemStatus.COULD_NOT_VERIFY
THEIRS = b"the bytes of a model"


def report(world, bundle, artifact=THEIRS, trust=None):
    return verify_bundle(decode_bundle(encode_bundle(bundle)), trust or world.trust, artifact, now=None)


def status(result, name):
    (item,) = [i for i in result.items if i.name.startswith(name) or i.name.endswith(name)]
    return item.status, item.why


def test_a_complete_bundle_holds_and_lists_every_item(world):
    result = report(world, world.bundle())
    assert result.holds, [i for i in result.items if i.status is not OK]
    assert [i.name for i in result.items] == [
        "trust root",
        "artifact",
        "envelope 1: gate-run",
        "envelope 2: gate-run",
        "envelope 3: gate-run",
        "envelope 4: sign-off",
        "envelope 5: kpi-contract",
        "envelope 6: deployment",
        "envelope 7: hand-off",
        "envelope 8: checkpoint",
        "version and use case",
        "state activated needs validation",
        "state activated needs release",
        "state activated needs activation",
        "change record",
    ]


def test_a_bundle_survives_its_bytes(world):
    bundle = world.bundle()
    assert encode_bundle(decode_bundle(encode_bundle(bundle))) == encode_bundle(bundle)


def test_without_the_artifact_the_rest_is_verified_and_the_bundle_does_not_hold(world):
    result = report(world, world.bundle(), artifact=None)
    assert status(result, "artifact")[0] is UNKNOWN
    assert [i.name for i in result.of(UNKNOWN)] == ["artifact"]
    assert not result.holds


def test_other_bytes_than_the_artifact_are_wrong(world):
    assert status(report(world, world.bundle(), artifact=THEIRS + b"!"), "artifact")[0] is WRONG
    assert status(report(world, world.bundle(artifact=sha256(b"x")), artifact=None), "artifact")[0] is WRONG


@pytest.mark.parametrize("gate", list(Gate), ids=lambda g: g.value)
def test_a_state_without_its_evidence_could_not_be_verified(world, gate):
    result = report(world, world.bundle(without=gate.value))
    assert status(result, f"needs {gate.value}")[0] is UNKNOWN
    assert not result.holds


def test_the_newest_run_of_a_gate_counts_not_the_best(world):
    old = world.bundle()
    failed = world.gate_run(Gate.ACTIVATION, Verdict.FAIL, description="later")
    moved = replace(old, envelopes=(*(e for e in old.envelopes if e != old.envelopes[2]), failed))
    assert status(report(world, moved), "needs activation")[0] is WRONG


@pytest.mark.parametrize(
    ("state", "gates"),
    [
        (State.REGISTERED, 0),
        (State.AWAITING_SIGN_OFF, 1),
        (State.VALIDATED, 1),
        (State.CANDIDATE, 2),
        (State.SUSPENDED, 3),
    ],
    ids=lambda v: getattr(v, "value", str(v)),
)
def test_each_state_needs_the_gates_it_claims(world, state, gates):
    version = replace(world.VERSION, state=state)
    suspended = world.suspended() if state is State.SUSPENDED else world.bundle()
    result = report(world, replace(suspended, version=version))
    assert sum(i.name.startswith("state ") for i in result.items) == gates
    assert result.holds, [i for i in result.items if i.status is not OK]


def test_a_suspension_by_somebody_who_may_not_or_of_other_words_than_its_link_is_wrong(world):
    name = "suspension, reinstatement and retirement"
    by_auditor = report(world, world.suspended(by="auditor"))
    assert [i.name for i in by_auditor.of(WRONG)] == ["envelope 9: suspension"]
    assert status(report(world, world.suspended(why="a holiday")), name)[0] is WRONG


def test_a_suspension_of_before_it_was_signed_counts_by_its_link_alone(world):
    assert report(world, world.suspended(named=False)).holds


def test_only_a_version_awaiting_sign_off_holds_without_one(world):
    waiting = replace(world.VERSION, state=State.AWAITING_SIGN_OFF)
    assert report(world, world.bundle(version=waiting, without="sign-off")).holds
    validated = replace(world.VERSION, state=State.VALIDATED)
    assert (
        status(report(world, world.bundle(version=validated, without="sign-off")), "needs validation")[0] is UNKNOWN
    )


def test_a_signature_that_does_not_match_is_wrong_and_an_unknown_key_is_not(world):
    bundle = world.bundle()
    forged = json.loads(bundle.envelopes[1])
    forged["payload"] = json.loads(bundle.envelopes[2])["payload"]
    swapped = replace(bundle, envelopes=(bundle.envelopes[0], canonical(forged).decode(), *bundle.envelopes[2:]))
    assert status(report(world, swapped), "envelope 2")[0] is WRONG
    strangers = TrustRoot(tuple(p for p in world.trust.people if p.id != "val"))
    result = report(world, bundle, trust=strangers)
    assert status(result, "envelope 4")[0] is UNKNOWN
    assert status(result, "trust root")[0] is UNKNOWN


def test_the_bundle_s_own_copy_of_the_trust_root_gives_no_trust(world):
    mine = TrustRoot(tuple(replace(p, roles=(Role.AUDITOR,)) for p in world.trust.people))
    result = report(world, world.bundle(), trust=mine)
    assert status(result, "trust root")[0] is WRONG
    assert all(status(result, f"envelope {n}")[0] is WRONG for n in range(1, 8))


@pytest.mark.parametrize("piece", ["gate run", "deployment", "contract"])
def test_evidence_about_something_else_does_not_belong_here(world, piece):
    other = {
        "gate run": lambda: world.gate_run(Gate.RELEASE, artifact=sha256(b"other")),
        "deployment": lambda: world.deployed(world.deployment(arms=world.deployment().arms[1:])),
        "contract": lambda: world.contract(replace(world.CONTRACT, use_case="churn")),
    }[piece]()
    bundle = world.bundle()
    result = report(world, replace(bundle, envelopes=(*bundle.envelopes, other)))
    assert status(result, "envelope 9")[0] is WRONG


@pytest.mark.parametrize("what", ["version", "use case"])
def test_a_description_that_was_touched_up_is_wrong(world, what):
    changes = {
        "version": {"version": replace(world.VERSION, developers=("nobody",))},
        "use case": {"use_case": replace(world.USE_CASE, owner="nobody")},
    }[what]
    result, why = status(report(world, world.bundle(**changes)), "version and use case")
    assert result is WRONG
    assert what in why


def test_an_edited_change_record_is_wrong_and_says_which_link(world):
    links = world.changes()
    edited = (*links[:2], replace(links[2], why="another reason"), *links[3:])
    result, why = status(report(world, world.bundle(changes=edited)), "change record")
    assert result is WRONG
    assert "link 3 was edited" in why


def test_a_cut_change_record_is_wrong_against_the_head(world):
    result, why = status(report(world, world.bundle(changes=tuple(world.changes()[:3]))), "change record")
    assert result is WRONG
    assert "ends at link 3" in why


def test_an_excerpt_of_the_change_record_cannot_prove_that_nothing_is_missing(world):
    links = world.changes()
    excerpt = (links[0], links[1], links[3])
    result, why = status(report(world, world.bundle(changes=excerpt)), "change record")
    assert result is UNKNOWN
    assert "3 links are as written" in why
    assert status(report(world, world.bundle(changes=())), "change record")[0] is UNKNOWN


def test_a_disordered_or_unconnected_excerpt_is_wrong(world):
    links, foreign = world.changes(), world.changes(2)
    backwards = (links[3], links[1])
    assert status(report(world, world.bundle(changes=backwards)), "change record")[0] is WRONG
    unconnected = (links[2], replace(links[3], previous=foreign[0].digest))
    assert status(report(world, world.bundle(changes=unconnected)), "change record")[0] is WRONG


UNREADABLE = {
    "nothing": lambda _: b"",
    "another format": lambda d: d.replace(b"roadworthy.bundle/2", b"roadworthy.bundle/9"),
    "a missing field": lambda d: canonical({k: v for k, v in json.loads(d).items() if k != "trust"}),
    "an unknown field": lambda d: canonical({**json.loads(d), "note": 1}),
    "reformatted": lambda d: json.dumps(json.loads(d), indent=2).encode(),
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_bundle_could_not_be_verified(world, change):
    with pytest.raises(CouldNotVerifyError, match="the bundle"):
        decode_bundle(change(encode_bundle(world.bundle())))


def test_one_changed_byte_anywhere_never_holds(world):
    data = encode_bundle(world.bundle())
    for position in range(0, len(data), 29):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        try:
            bundle = decode_bundle(bytes(changed))
        except CouldNotVerifyError:
            continue
        assert not verify_bundle(bundle, world.trust, THEIRS, now=None).holds, bytes(
            changed[position - 20 : position + 20]
        )
