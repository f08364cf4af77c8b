"""Binary authorization: what a gateway may load, and the refusal for everything else."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.domain.errors import (
    CouldNotVerifyError,
    DigestMismatchError,
    IntegrityError,
    SignatureWrongError,
)
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import Arm, ArmRole
from roadworthy.domain.trust import Person, Role
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import evidence_id, open_envelope
from roadworthy.evidence.served import decode_served, encode_served, verify_served
from roadworthy.evidence.trust import TrustRoot


def refusal(world, served, kind=IntegrityError, **more):
    """What the gateway says: the whole way, from bytes."""
    with pytest.raises(kind) as caught:
        verify_served(decode_served(encode_served(served)), world.trust, **{"now": None, **more})
    return caught.value.fields.get("piece"), str(caught.value)


def test_a_complete_document_may_be_served(world):
    verify_served(decode_served(encode_served(world.served())), world.trust, endpoint="deposit", now=None)


def test_a_document_survives_its_bytes(world):
    served = world.served()
    assert decode_served(encode_served(served)) == served


def test_a_deployment_that_names_its_own_evidence_is_the_one_that_was_signed(world):
    text = world.deployed(world.deployment())
    named = world.deployment(statement=evidence_id(text))
    verify_served(world.served(deployment=named), world.trust, now=None)
    other = world.deployment(statement=sha256(b"another"))
    assert refusal(world, world.served(deployment=other), DigestMismatchError)[0] == "deployment"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR, Role.PLATFORM], ids=lambda r: r.value)
def test_operators_administrators_and_the_platform_may_sign_a_deployment(world, role):
    key = world.keyring.signer("auditor").key_id
    trust = TrustRoot(tuple(replace(p, roles=(role,)) if p.key_id == key else p for p in world.trust.people))
    verify_served(
        world.served(instead={"deployment": world.deployed(world.deployment(), by="auditor")}), trust, now=None
    )


PIECES = ["validation", "release", "activation", "sign-off", "kpi-contract", "deployment"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_missing_piece_could_not_be_verified_and_is_named(world, piece):
    named, message = refusal(world, world.served(without=piece), CouldNotVerifyError)
    assert named == piece
    assert "missing" in message


WRONG_SIGNER = {
    "validation": lambda w: w.gate_run(Gate.VALIDATION, by="dev"),
    "release": lambda w: w.gate_run(Gate.RELEASE, by="ops"),
    "sign-off": lambda w: w.sign_off(w.pieces()["validation"], by="ops"),
    "kpi-contract": lambda w: w.contract(by="dev"),
    "deployment": lambda w: w.deployed(w.deployment(), by="val"),
}


@pytest.mark.parametrize("piece", WRONG_SIGNER)
def test_a_piece_signed_by_a_role_that_may_not_is_refused(world, piece):
    _, message = refusal(world, world.served(instead={piece: WRONG_SIGNER[piece](world)}))
    assert "who is no " in message


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR], ids=lambda v: v.value)
@pytest.mark.parametrize("gate", list(Gate), ids=lambda g: g.value)
def test_a_gate_that_did_not_pass_keeps_the_version_out(world, gate, verdict):
    piece, message = refusal(world, world.served(instead={gate.value: world.gate_run(gate, verdict)}))
    assert piece == gate.value
    assert f"ended with '{verdict.value}'" in message


GATE_RUN_OF_SOMETHING_ELSE = {
    "another artifact": ({"artifact": sha256(b"another model")}, DigestMismatchError, "judged artifact"),
    "another version": ({"id": "deposit-2"}, CouldNotVerifyError, "missing: release run of version deposit-1"),
    "another threshold": ({"threshold": 0.5}, IntegrityError, "threshold '0.5', claimed is '0.35'"),
}


@pytest.mark.parametrize("case", GATE_RUN_OF_SOMETHING_ELSE.values(), ids=GATE_RUN_OF_SOMETHING_ELSE)
def test_a_gate_run_about_something_else_does_not_count(world, case):
    changes, kind, expected = case
    text = world.gate_run(Gate.RELEASE, **changes)
    piece, message = refusal(world, world.served(instead={"release": text}), kind)
    assert piece == "release"
    assert expected in message


def test_an_arm_may_not_change_the_columns_that_were_judged(world):
    champion, hold_out = world.deployment().arms
    fewer = replace(champion, signature=replace(world.SIGNATURE, inputs=world.SIGNATURE.inputs[:1]))
    changed = world.deployment(arms=(fewer, hold_out))
    served = world.served(deployment=changed, instead={"deployment": world.deployed(changed)})
    assert "signature_digest" in refusal(world, served)[1]


def test_two_runs_of_one_gate_are_refused_since_one_could_hide_the_other(world):
    failed = world.gate_run(Gate.RELEASE, Verdict.FAIL)
    assert refusal(world, world.served(instead={"extra": failed}))[0] == "release"


def test_a_developer_of_the_version_may_not_sign_it_off_even_as_validator(world):
    validation = world.pieces()["validation"]
    served = world.served(instead={"sign-off": world.sign_off(validation, by="dev")})
    piece, message = refusal(world, served)
    assert piece == "sign-off"
    assert "not independent" in message


def test_a_sign_off_in_somebody_else_s_name_is_refused(world):
    validation = world.pieces()["validation"]
    served = world.served(instead={"sign-off": world.sign_off(validation, by="val", person="dev")})
    assert "is signed by val but states 'dev'" in refusal(world, served)[1]


def test_a_sign_off_that_states_another_version_is_refused(world):
    statement = open_envelope(world.pieces()["sign-off"], world.trust, now=None).statement
    statement["predicate"]["version"] = "deposit-2"
    served = world.served(instead={"sign-off": world.sign(statement, "val")})
    assert "version 'deposit-2'" in refusal(world, served)[1]


def test_a_version_without_known_developers_has_no_independent_validator(world):
    validation = world.gate_run(Gate.VALIDATION, developers=())
    served = world.served(instead={"validation": validation, "sign-off": world.sign_off(validation)})
    assert "names no developers" in refusal(world, served, CouldNotVerifyError)[1]


@pytest.mark.parametrize("piece", ["kpi-contract", "deployment"])
@pytest.mark.parametrize("part", ["subject", "predicate"])
def test_a_statement_whose_subject_is_not_what_it_embeds_is_refused(world, piece, part):
    statement = open_envelope(world.pieces()[piece], world.trust, now=None).statement
    if part == "subject":
        statement["subject"][0]["digest"]["sha256"] = sha256(b"something else")
    else:
        embedded = {"kpi-contract": "contract", "deployment": "deployment"}[piece]
        statement["predicate"][embedded]["created_at"] = "2020-01-01T00:00:00Z"
    signer = {"kpi-contract": "owner", "deployment": "ops"}[piece]
    served = world.served(instead={piece: world.sign(statement, signer)})
    assert refusal(world, served, DigestMismatchError)[0] == piece


def test_a_rejection_is_no_sign_off(world):
    validation = world.pieces()["validation"]
    served = world.served(instead={"sign-off": world.sign_off(validation, approved=False)})
    assert "rejects it" in refusal(world, served)[1]


def test_new_validation_evidence_voids_the_old_sign_off(world):
    again = world.gate_run(Gate.VALIDATION, description="validated again")
    piece, message = refusal(world, world.served(instead={"validation": again}), CouldNotVerifyError)
    assert piece == "sign-off"
    assert "missing" in message


def test_an_approval_beside_a_rejection_is_refused(world):
    rejection = world.sign_off(world.pieces()["validation"], approved=False)
    assert refusal(world, world.served(instead={"extra": rejection}))[0] == "sign-off"


@pytest.mark.parametrize(
    "changes",
    [{"revision": 2}, {"salt": "x"}, {"endpoint": "other"}, {"holdout_acts": True}, {"schedule": (1.0,)}],
    ids=str,
)
def test_any_other_deployment_than_the_signed_one_is_refused(world, changes):
    served = world.served(deployment=world.deployment(**changes))
    assert refusal(world, served, DigestMismatchError)[0] == "deployment"


def test_a_document_published_for_another_endpoint_is_refused(world):
    assert refusal(world, world.served(), endpoint="churn")[0] == "document"


def test_another_use_case_than_the_judged_one_is_refused(world):
    assert "use_case" in refusal(world, world.served(use_case="churn"))[1]


ARMS = {
    "a champion without version": (Arm("champion", ArmRole.CHAMPION, 1.0),),
    "a version without artifact": (Arm("champion", ArmRole.CHAMPION, 1.0, "deposit-1"),),
    "a hold-out with a version": (Arm("h", ArmRole.HOLD_OUT, 0.1, "deposit-1", "0" * 64),),
    "no version at all": (Arm("h", ArmRole.HOLD_OUT, 0.1),),
    "no arms": (),
}


@pytest.mark.parametrize("arms", ARMS.values(), ids=ARMS)
def test_arms_that_could_not_serve_are_refused(world, arms):
    odd = world.deployment(arms=arms)
    assert (
        refusal(world, world.served(deployment=odd, instead={"deployment": world.deployed(odd)}))[0] == "deployment"
    )


def test_a_second_version_needs_its_own_evidence(world):
    challenger = Arm("challenger", ArmRole.CHALLENGER, 0.05, "deposit-2", sha256(b"two"), 0.35, world.SIGNATURE)
    two = world.deployment(arms=(*world.deployment().arms, challenger))
    served = world.served(deployment=two, instead={"deployment": world.deployed(two)})
    assert "missing: validation run of version deposit-2" in refusal(world, served, CouldNotVerifyError)[1]


def test_without_a_hold_out_no_contract_is_needed_but_a_named_one_must_be_there(world):
    alone = world.deployment(arms=world.deployment().arms[:1])
    signed = {"deployment": world.deployed(alone)}
    verify_served(
        world.served(deployment=alone, instead=signed, contract_id="", without="kpi-contract"),
        world.trust,
        now=None,
    )
    named = world.served(deployment=alone, instead=signed, contract_id="contract-2")
    assert "missing: KPI contract contract-2" in refusal(world, named, CouldNotVerifyError)[1]


HOLD_OUTS = {
    "holding out more than agreed": ({"holdout_share": 0.05}, "agrees to 0.05"),
    "treating the hold-out differently": ({"holdout_acts": True}, "and True"),
    "a contract of another use case": ({"use_case": "churn"}, "about use case 'churn'"),
}


@pytest.mark.parametrize(("changes", "expected"), HOLD_OUTS.values(), ids=HOLD_OUTS)
def test_a_hold_out_stays_within_what_the_business_signed(world, changes, expected):
    text = world.contract(replace(world.CONTRACT, **changes))
    piece, message = refusal(world, world.served(instead={"kpi-contract": text}))
    assert piece == "kpi-contract"
    assert expected in message


def test_one_bad_envelope_refuses_the_document_even_if_nobody_needs_it(world):
    good = json.loads(world.hand_off())
    good["payload"] = json.loads(world.contract())["payload"]
    served = world.served(instead={"extra": canonical(good).decode()})
    assert "does not match" in refusal(world, served, SignatureWrongError)[1]


def test_the_same_envelope_twice_is_refused(world):
    served = world.served()
    assert refusal(world, replace(served, envelopes=(*served.envelopes, served.envelopes[0])))[0] == "envelopes"


def test_a_trust_root_without_the_signers_could_not_verify(world):
    with pytest.raises(CouldNotVerifyError, match="not in the trust root"):
        verify_served(world.served(), TrustRoot(()), now=None)


def test_a_signed_predicate_of_an_odd_shape_is_a_refusal_and_not_a_crash(world):
    odd = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": sha256(world.ARTIFACT)}}],
        "predicateType": "https://roadworthy.dev/gate-run/v1",
        "predicate": {"version": "deposit-1", "gate": "release", "finished_at": 1, "verdict": [], "use_case": {}},
    }
    served = world.served(instead={"release": world.sign(odd, "platform")})
    assert "a shape this version does not know" in refusal(world, served, CouldNotVerifyError)[1]


UNREADABLE = {
    "nothing": b"",
    "a list": b"[]",
    "another format": lambda d: d.replace(b"roadworthy.served/1", b"roadworthy.served/2"),
    "an unknown field": lambda d: canonical({**json.loads(d), "comment": "x"}),
    "a missing field": lambda d: canonical({k: v for k, v in json.loads(d).items() if k != "use_case"}),
    "a wrong type": lambda d: canonical({**json.loads(d), "envelopes": [1]}),
    "another spelling of a time": lambda d: d.replace(b"09:30:00Z", b"09:30:00+00:00"),
    "a line end": lambda d: d + b"\n",
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_document_could_not_be_verified(world, change):
    data = change(encode_served(world.served())) if callable(change) else change
    with pytest.raises(CouldNotVerifyError, match="the served document"):
        decode_served(data)


def assert_refused(data, trust):
    with pytest.raises(IntegrityError):
        verify_served(decode_served(data), trust, endpoint="deposit", now=None)


def test_one_changed_byte_anywhere_is_refused(world):
    document = encode_served(world.served())
    for position in range(0, len(document), 11):
        changed = bytearray(document)
        changed[position] ^= 1 << position * 5 % 8
        assert_refused(bytes(changed), world.trust)


@pytest.mark.slow
@pytest.mark.parametrize("bit", range(8))
def test_every_single_changed_bit_is_refused(world, bit):
    """A test per bit of the bytes: all 105,000 changes in one took longer than a test may on a busy machine."""
    document = encode_served(world.served())
    for position in range(len(document)):
        changed = bytearray(document)
        changed[position] ^= 1 << bit
        assert_refused(bytes(changed), world.trust)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_bytes_cut_out_doubled_or_written_over_are_refused(world, data):
    document = encode_served(world.served())
    start = data.draw(st.integers(0, len(document) - 1))
    end = data.draw(st.integers(start + 1, min(start + 200, len(document))))
    new = data.draw(st.sampled_from([b"", document[start:end] * 2, b"0" * (end - start), b'"', b"\xff"]))
    changed = document[:start] + new + document[end:]
    if changed != document:
        assert_refused(changed, world.trust)


def test_a_person_who_lost_the_role_since_no_longer_counts(world):
    key = world.keyring.signer("val").key_id
    demoted = tuple(
        Person(p.id, (Role.AUDITOR,), p.key_id, p.public_key) if p.key_id == key else p for p in world.trust.people
    )
    with pytest.raises(IntegrityError, match="no validator"):
        verify_served(world.served(), TrustRoot(demoted), now=None)
