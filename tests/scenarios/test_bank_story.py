"""The bank campaign on the real calls: the facts of the data, seen through the whole platform."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from tests.scenarios.conftest import Told

from roadworthy.domain.returns import DefectKind, DevelopmentStep
from roadworthy.domain.review import SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.bundle import ItemStatus, decode_bundle, verify_bundle
from roadworthy.evidence.canonical import canonical

pytestmark = pytest.mark.timeout(900)  # the first test plays the whole story


def signals(told: Told, window: str, kind: SignalKind) -> list[Any]:
    return [s for s in told.facts["reviews"][window].signals if s.kind is kind]


def finding(told: Told, version: str, gate: str, check: str) -> Any:
    return next(f for f in told.run(version, gate).findings if f.check == check)


def test_the_leaking_draft_is_caught_and_sent_back_to_data_preparation(real_story: Told) -> None:
    assert finding(real_story, "draft", "validation", "leakage").verdict is Verdict.FAIL
    item = next(
        w for w in real_story.work if w.version == real_story.facts["draft"] and w.defect is DefectKind.LEAKAGE
    )
    assert item.step is DevelopmentStep.DATA_PREPARATION


def test_the_drafts_work_item_is_closed_by_its_successor_passing_validation(real_story: Told) -> None:
    item = next(
        w for w in real_story.work if w.version == real_story.facts["draft"] and w.defect is DefectKind.LEAKAGE
    )
    assert item.closed_by == real_story.run("v1", "validation").id


def test_every_step_of_every_gate_ran_a_real_check(real_story: Told) -> None:
    steps = {
        f.step.name
        for gate in ("validation", "release", "activation")
        for f in real_story.run("v1", gate).findings
        if f.check != "*"
    }
    wanted = {f"V{i}" for i in range(1, 10)} | {f"R{i}" for i in range(1, 8)} | {f"A{i}" for i in range(1, 8)}
    assert steps == wanted


def test_the_developers_own_signature_is_refused_and_recorded(real_story: Told) -> None:
    assert "dan developed campaign:1" in real_story.facts["refusal"]
    assert any(c.action == "sign-off-refused" and c.actor == "dan" for c in real_story.changes)


def test_training_months_convert_at_five_percent_and_the_last_at_fifty(real_story: Told) -> None:
    moved = signals(real_story, "2010-07", SignalKind.VALUE)[0]
    assert 0.045 < moved.details["before"] < 0.06
    assert 0.48 < moved.details["after"] < 0.53


def test_data_drift_is_noticed_in_the_first_live_window(real_story: Told) -> None:
    drifted = {
        s.subject for s in signals(real_story, "2008-11", SignalKind.DATA_DRIFT) if s.verdict is Verdict.FAIL
    }
    assert {"emp.var.rate", "euribor3m", "nr.employed"} <= drifted
    item = next(w for w in real_story.work if w.defect is DefectKind.DATA_DRIFT)
    assert item.step is DevelopmentStep.DATA_ACQUISITION


def test_mathematical_drift_is_noticed_when_the_auc_reaches_one_half(real_story: Told) -> None:
    area = next(s for s in signals(real_story, "2009-03", SignalKind.MATHEMATICAL_DRIFT) if s.subject == "auc")
    assert area.verdict is Verdict.FAIL
    assert abs(area.statistic - 0.5) < 0.06
    item = next(w for w in real_story.work if w.defect is DefectKind.MATHEMATICAL_DRIFT)
    assert item.step is DevelopmentStep.MODELLING


def test_the_rise_of_the_kpi_is_not_put_down_to_the_model(real_story: Told) -> None:
    said = "\n".join(real_story.said)
    assert "Do not congratulate the model" in said
    assert "the rise is not the model's doing" in said
    raised = signals(real_story, "2010-07", SignalKind.VALUE)[0]
    assert raised.details["cause"] == "not-attributable"


def test_version_two_is_rolled_out_as_a_canary_and_promoted_on_proof(real_story: Told) -> None:
    second = next(d for d in real_story.deployments if d["deployment"]["id"] == "campaign-d2")
    actions = [look["action"] for look in second["looks"]]
    assert "advance" in actions
    assert "promote" in actions
    assert any(a["version"] == real_story.facts["v2"] and a["weight"] == 1.0 for a in second["deployment"]["arms"])


def test_the_broken_version_three_is_rolled_back_by_the_platform_itself(real_story: Told) -> None:
    third = next(d for d in real_story.deployments if d["deployment"]["id"] == "campaign-d3")
    assert third["deployment"]["state"] == "rolled-back"
    last = [look for look in third["looks"] if look["action"] == "roll_back"]
    assert len(last) == 1
    assert last[0]["harm_e"] >= last[0]["threshold"]
    assert next(c for c in real_story.changes if c.action == "deployment-rolled-back").actor == "platform"


def test_the_broken_version_three_is_sent_back_to_modelling(real_story: Told) -> None:
    item = next(w for w in real_story.work if w.version == real_story.facts["v3"])
    assert item.defect is DefectKind.SERVING_FAILURE
    assert item.step is DevelopmentStep.MODELLING


def test_no_caller_was_left_without_an_answer_while_the_canary_failed(real_story: Told) -> None:
    failed = [look for d in real_story.deployments for look in d["looks"] if sum(look["failures"].values())]
    assert failed
    assert all(look["failures"]["champion"] == 0 for look in failed)


def test_the_ledger_gives_money_with_an_interval_or_says_it_cannot(real_story: Told) -> None:
    first, third = (real_story.facts["ledger"][real_story.facts[v]] for v in ("v1", "v3"))
    assert first.measurable
    assert first.interval.low < first.per_unit < first.interval.high
    assert first.units_held_out > 400
    assert not third.measurable
    assert third.per_unit is None
    assert third.reason


def test_one_id_leads_from_the_request_to_money_and_people(real_story: Told) -> None:
    found = real_story.trace[0]
    assert found["decision"]["request_id"] == f"call-{real_story.facts['a call']}"
    assert found["outcome"]["value"] in (0.0, 1.0)
    assert found["unit"] == "EUR"
    assert found["money"] is not None
    assert found["sign_offs"][0]["person"] == "vera"
    assert found["train"]["digest"]


def test_the_bundle_verifies_offline_and_a_changed_byte_does_not(real_story: Told) -> None:
    bundle = decode_bundle(canonical(real_story.bundle))
    assert verify_bundle(bundle, bundle.trust, None, now=None).of(ItemStatus.WRONG) == ()
    text = json.dumps(real_story.bundle)
    envelope = real_story.bundle["envelopes"][0]
    broken = envelope.replace("payload", "payloae", 1) if "payloae" not in envelope else envelope
    tampered = msgspec.structs.replace(bundle) if hasattr(bundle, "__struct_fields__") else bundle
    altered = decode_bundle(
        canonical({**json.loads(text), "envelopes": [broken, *real_story.bundle["envelopes"][1:]]})
    )
    assert tampered.version == bundle.version
    assert not verify_bundle(altered, bundle.trust, None, now=None).holds


def test_the_change_record_holds_from_the_first_link_to_the_last(real_story: Told) -> None:
    said = next(s for s in real_story.said if "links verified" in s)
    issued = sum(c.action == "dossier-issued" for c in real_story.changes)
    assert issued == 1, "the dossier comes after, and is a link of its own"
    assert int(re.findall(r"(\d+) links", said)[0]) == len(real_story.changes) - issued


def test_nothing_real_is_called_simulated(real_story: Told) -> None:
    assert not real_story.played.simulated
    assert not any("SIMULATED" in s for s in real_story.said)
