"""What each kind of statement says, field by field."""

from dataclasses import replace
from datetime import datetime

import pytest

from roadworthy.domain.errors import ConflictError, CouldNotVerifyError, DataError
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import RolloutLook
from roadworthy.domain.trust import EvidenceKind, HandOff, SignOff
from roadworthy.evidence import statements
from roadworthy.evidence.canonical import canonical, to_json
from roadworthy.evidence.digest import digest_json, sha256


def gate_run(world, run=None, version=None, use_case=None):
    run = run or world.finished(Gate.VALIDATION)
    return statements.gate_run_statement(
        run,
        version or world.VERSION,
        use_case or world.USE_CASE,
        world.PLAYBOOK,
        tools={"numpy": "2.4"},
        now=world.NOW,
    )


def test_a_gate_run_statement_is_an_in_toto_statement_about_the_artifact(world):
    statement = gate_run(world)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://roadworthy.dev/gate-run/v1"
    assert statement["subject"] == [{"name": "artifact of deposit-1", "digest": {"sha256": sha256(world.ARTIFACT)}}]
    assert statements.check_statement(statement) is statement


def test_a_gate_run_statement_repeats_all_a_verifier_needs(world):
    predicate = gate_run(world)["predicate"]
    assert predicate["verdict"] == "pass"
    assert (predicate["version"], predicate["use_case"], predicate["developers"]) == (
        "deposit-1",
        "term-deposit",
        ["dev"],
    )
    assert predicate["findings"][0]["statistic"] == 0.7812345678901234
    assert predicate["checks"][0]["params"] == {"min_gain": 0.02}
    assert predicate["waivers"][0]["reason"] == "trained elsewhere; accepted once"
    assert predicate["playbook"] == {"name": "standard", "tier": "medium", "digest": world.PLAYBOOK.digest}
    assert predicate["inputs"]["sealed"] == sha256(b"sealed")
    assert (predicate["tools"], predicate["actor"], predicate["seed"]) == ({"numpy": "2.4"}, "dev", 7)
    assert predicate["at"] == "2026-03-01T09:30:00Z"


def test_a_run_without_verdict_is_not_signed(world):
    with pytest.raises(ConflictError, match="still running"):
        gate_run(world, world.finished(Gate.VALIDATION, verdict=None, finished_at=None))


def test_a_run_of_another_version_or_use_case_is_refused(world):
    with pytest.raises(DataError, match="is about version deposit-1, not deposit-2"):
        gate_run(world, version=replace(world.VERSION, id="deposit-2"))
    with pytest.raises(DataError, match="belongs to use case term-deposit, not churn"):
        gate_run(world, use_case=replace(world.USE_CASE, id="churn"))


def test_a_finding_that_is_not_a_number_cannot_be_signed_and_is_named(world):
    run = world.finished(Gate.VALIDATION)
    run = replace(run, findings=(replace(run.findings[0], statistic=float("nan")),))
    with pytest.raises(DataError, match=r"\$\.predicate\.findings\[0\]\.statistic is nan"):
        canonical(gate_run(world, run))


def test_the_version_digest_ignores_the_state_and_nothing_else(world):
    moved = replace(world.VERSION, state=world.VERSION.state.RETIRED)
    assert statements.version_digest(moved) == statements.version_digest(world.VERSION)
    assert statements.version_digest(replace(moved, threshold=0.36)) != statements.version_digest(world.VERSION)


def test_a_sign_off_is_about_the_digest_of_the_evidence_it_judges(world):
    sign_off = SignOff("so", "deposit-1", "run-validation", sha256(b"envelope"), "val", True, "sound", world.NOW)
    statement = statements.sign_off_statement(sign_off, now=world.NOW)
    assert statement["subject"][0]["digest"]["sha256"] == sha256(b"envelope")
    assert statement["predicate"]["person"] == "val"
    assert statement["predicate"]["approved"] is True
    assert statements.kind_of(statement) is EvidenceKind.SIGN_OFF


def test_a_contract_statement_embeds_the_contract_and_is_about_its_digest(world):
    statement = statements.contract_statement(world.CONTRACT, person="owner", now=world.NOW)
    assert statement["subject"][0]["digest"]["sha256"] == digest_json(statement["predicate"]["contract"])
    assert statement["predicate"]["contract"]["holdout_share"] == 0.1


def test_a_deployment_statement_leaves_out_the_field_that_names_it(world):
    bare = statements.deployment_statement(world.deployment(), now=world.NOW)
    named = statements.deployment_statement(world.deployment(statement=sha256(b"itself")), now=world.NOW)
    assert bare == named
    assert bare["predicate"]["deployment"]["arms"][0]["artifact"] == sha256(world.ARTIFACT)


def test_a_hand_off_statement_names_owner_and_run_book(world):
    hand_off = HandOff("ho", "deposit-1", "ops", "team dialler", "run book", world.NOW)
    predicate = statements.hand_off_statement(hand_off, world.VERSION, now=world.NOW)["predicate"]
    assert (predicate["hand_off"]["service_owner"], predicate["hand_off"]["run_book"]) == (
        "team dialler",
        "run book",
    )
    with pytest.raises(DataError, match="not deposit-2"):
        statements.hand_off_statement(hand_off, replace(world.VERSION, id="deposit-2"), now=world.NOW)


def test_a_deployment_without_folders_and_protections_is_signed_as_before_there_were_any(world):
    whole = to_json(world.deployment())
    assert [arm.pop("files") for arm in whole["arms"]] == [""] * len(whole["arms"])
    assert [arm.pop("members") for arm in whole["arms"]] == [()] * len(whole["arms"])
    for signature in (arm["signature"] for arm in whole["arms"] if arm["signature"]):
        assert (signature.pop("limits"), signature.pop("ignore_unknown")) == ((), False)  # nor limits
    assert whole.pop("protection") is None
    signed = statements.deployment_statement(world.deployment(), now=world.NOW)
    assert canonical(signed["predicate"]["deployment"]) == canonical({**whole, "statement": ""})


def test_a_rollout_statement_carries_all_numbers_of_the_decision(world):
    look = RolloutLook(
        id="look-1",
        deployment="dep-1",
        revision=1,
        at=world.NOW,
        action="advance",
        reason="no harm seen",
        harm_e=0.7,
        safety_e=21.5,
        threshold=20.0,
        failures={"champion": 1},
        requests={"champion": 90},
        share=0.25,
        inputs_digest=sha256(b"inputs"),
    )
    statement = statements.rollout_statement(look, world.deployment(), now=world.NOW)
    assert statement["predicate"]["look"]["safety_e"] == 21.5
    assert statement["subject"][0]["digest"]["sha256"] == sha256(
        canonical(statements.deployment_json(world.deployment()))
    )
    with pytest.raises(DataError, match="revision 1, not dep-1 revision 2"):
        statements.rollout_statement(look, world.deployment(revision=2), now=world.NOW)


def test_a_subject_that_is_no_digest_and_a_time_without_zone_are_refused(world):
    sign_off = SignOff("so", "deposit-1", "run", "not-a-digest", "val", True, "", world.NOW)
    with pytest.raises(DataError, match="not a SHA-256"):
        statements.sign_off_statement(sign_off, now=world.NOW)
    with pytest.raises(DataError, match="no time zone"):
        statements.contract_statement(world.CONTRACT, person="owner", now=datetime(2026, 1, 1))  # noqa: DTZ001


GOOD = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
    "predicateType": "https://roadworthy.dev/gate-run/v1",
    "predicate": {},
}
MALFORMED = {
    "not an object": [],
    "another type": {**GOOD, "_type": "https://in-toto.io/Statement/v0.1"},
    "no predicate": {k: v for k, v in GOOD.items() if k != "predicate"},
    "no subject": {**GOOD, "subject": []},
    "two subjects": {**GOOD, "subject": GOOD["subject"] * 2},
    "another hash": {**GOOD, "subject": [{"name": "a", "digest": {"sha1": "0" * 40}}]},
    "a short digest": {**GOOD, "subject": [{"name": "a", "digest": {"sha256": "00"}}]},
    "another predicate": {**GOOD, "predicateType": "https://slsa.dev/provenance/v1"},
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_a_payload_that_is_no_statement_of_ours_could_not_be_verified(value):
    assert statements.check_statement(GOOD) is GOOD
    with pytest.raises(CouldNotVerifyError, match="not an in-toto Statement"):
        statements.check_statement(value)
