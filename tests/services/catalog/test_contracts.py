"""KPI contracts: the owner says what counts, in expressions that are checked, before results exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_world import CASE, V1, World, at, days

from roadworthy.domain.errors import (
    ConflictError,
    DataError,
    ExpressionError,
    NotAllowedError,
    RefusedError,
    SettingError,
)
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import Evidence, EvidenceKind
from roadworthy.domain.use_case import Bound, KpiContract, KpiLimit
from roadworthy.evidence.canonical import to_json
from roadworthy.evidence.digest import digest_json
from roadworthy.evidence.envelope import open_envelope
from roadworthy.evidence.statements import contract_digest
from roadworthy.services.catalog.contracts import KpiTerms, agree_contract, contract_in_force, validate_again
from roadworthy.services.gates.run import start_gate
from roadworthy.services.watch.verify import trust_root

TERMS = KpiTerms(CASE, "EUR", "outcome", 0.1, 0.1, holdout_acts=False)


def test_a_contract_is_signed_by_its_owner_over_its_own_digest() -> None:
    world = at("prepared")
    with world.house.store.begin() as tx:
        found = contract_in_force(tx, CASE)
    assert found is not None
    opened = open_envelope(found[1].envelope, trust_root(world.house), now=None)
    assert (opened.person.id, opened.subject) == ("olga", contract_digest(found[0]))
    assert opened.predicate["contract"]["value"] == found[0].value


def test_a_new_contract_is_a_new_revision_and_the_old_one_stays_on_record() -> None:
    world = at("prepared")
    second = world.agree(target=0.5)
    with world.house.store.begin() as tx:
        in_force = contract_in_force(tx, CASE)
    assert in_force is not None
    assert (second.id, second.revision, in_force[0]) == ("offers-kpi-2", 2, second)
    assert [c.revision for c in world.all(KpiContract)] == [1, 2]
    assert len([e for e in world.all(Evidence) if e.kind is EvidenceKind.KPI_CONTRACT]) == 2


@pytest.mark.parametrize("who", ["dan", "vera", "rita", "omar", "ada", "admin"])
def test_nobody_but_a_business_owner_agrees(who: str) -> None:
    world = at("prepared")
    with pytest.raises(NotAllowedError, match="may not agree-contract"):
        agree_contract(world.house, world.who(who), TERMS)


def test_another_business_owner_cannot_sign_for_a_use_case_that_is_not_theirs() -> None:
    world = at("prepared")
    oscar = world.add("oscar", "business-owner")
    with pytest.raises(RefusedError, match=r"oscar does not own the use case 'offers'\. Its owner olga signs"):
        agree_contract(world.house, oscar, TERMS)


def limit(expression: str) -> tuple[KpiLimit, ...]:
    return (KpiLimit("wasted letters", expression, Bound.AT_MOST, 0.5, "share"),)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a typo in the value": ({"value": "acted * outcom"}, ExpressionError, "outcom"),
    "a typo in a limit": ({"guardrails": limit("actd")}, ExpressionError, "actd"),
    "a typo in an unintended outcome": ({"unintended": limit("agee > 60")}, ExpressionError, "agee"),
    "the target column is not known then": ({"value": "accepts"}, ExpressionError, "accepts"),
    "no expression": ({"value": ""}, ExpressionError, "value"),
    "two statements": ({"value": "1; DROP TABLE decisions"}, ExpressionError, "value"),
    "a truth times a number": ({"value": "acted * 3"}, ExpressionError, "the KPI value cannot be computed"),
    "text as a number": ({"guardrails": limit("channel + 1")}, ExpressionError, "the limit 'wasted letters'"),
    "everybody held out": ({"holdout_share": 0.6}, SettingError, "Allowed: 0 to 0.5"),
    "less than nobody": ({"holdout_share": -0.1}, SettingError, "holdout_share"),
    "no number": ({"holdout_share": float("nan")}, SettingError, "holdout_share"),
    "a target that is no number": ({"target": float("nan")}, DataError, "target"),
    "an endless target": ({"target": float("inf")}, DataError, "target"),
}


@pytest.mark.parametrize(("given", "error", "says"), BAD.values(), ids=BAD)
def test_terms_that_cannot_be_measured_are_refused_and_leave_nothing(
    given: dict[str, Any], error: type[Exception], says: str
) -> None:
    world = at("prepared")
    before = world.changes()
    with pytest.raises(error, match=says):
        world.agree(**given)
    assert (len(world.all(KpiContract)), world.changes()) == (1, before)


def test_a_typo_is_answered_with_the_columns_there_are() -> None:
    with pytest.raises(ExpressionError) as refused:
        at("prepared").agree(value="acted * balanse")
    assert "balanse" in str(refused.value)
    assert "balance" in str(refused.value)


def test_without_training_data_no_name_can_be_checked() -> None:
    world = World.in_memory()
    world.cast()
    world.use_case()
    with pytest.raises(ConflictError, match="has no training data"):
        world.agree()


def test_a_contract_does_not_change_while_a_validation_runs_under_it() -> None:
    world = at("registered")
    start_gate(world.house, world.who("dan"), world.order(V1, Gate.VALIDATION))
    with pytest.raises(ConflictError, match="is being validated under the present contract"):
        world.agree(target=0.0)
    world.house.engine.run("gate", "validation-offers:1-1", {"run": "validation-offers:1-1"})
    assert world.agree(target=0.0).revision == 2


def test_a_new_contract_says_what_it_changes_and_why_in_what_is_signed() -> None:
    world = at("validated")
    world.clock.advance(days(1))
    second = world.agree(target=0.5, label_delay_days=30.0, why="The plan is dearer now.")
    told = [("target", "0.2", "0.5"), ("label_delay_days", "7", "30")]
    assert [(c.term, c.old, c.new) for c in second.changes] == told
    with world.house.store.begin() as tx:
        found = contract_in_force(tx, CASE)
        assert validate_again(tx, CASE) == ((V1, "offers-kpi-1"),)
    assert found is not None
    signed = open_envelope(found[1].envelope, trust_root(world.house), now=None).predicate["contract"]
    assert signed["why"] == "The plan is dearer now."
    assert [(c["term"], c["old"], c["new"]) for c in signed["changes"]] == told
    change = world.changes()[-1]
    assert (change.why, change.facts["to-validate-again"]) == ("The plan is dearer now.", [V1])
    assert change.facts["changes"] == ["target: 0.2 -> 0.5", "label_delay_days: 7 -> 30"]


def test_a_new_contract_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ConflictError, match="says what 'offers-kpi-1' says"):
        at("prepared").agree()


def test_the_first_contract_takes_the_delay_of_labels_from_the_use_case_and_needs_no_reason() -> None:
    world = at("prepared")
    (contract,) = world.all(KpiContract)
    assert (contract.label_delay_days, contract.changes) == (7.0, ())


@pytest.mark.parametrize("delay", [-1.0, 4000.0, float("nan")])
def test_a_delay_nobody_waits_for_is_refused(delay: float) -> None:
    with pytest.raises(SettingError, match="label_delay_days"):
        at("prepared").agree(label_delay_days=delay, target=0.3)


def test_a_contract_signed_before_there_were_delays_and_reasons_keeps_its_digest() -> None:
    old = replace(at("prepared").all(KpiContract)[0], label_delay_days=None, why="")
    shape = {k: v for k, v in to_json(old).items() if k not in ("label_delay_days", "why", "changes")}
    assert contract_digest(old) == digest_json(shape)
    assert contract_digest(replace(old, why="x")) != contract_digest(old)
