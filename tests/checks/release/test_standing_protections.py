from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.release.standing_protections import StandingProtections, StandingProtectionsParams
from roadworthy.domain.gate import Playbook
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.standing.protection import OutsideRange, ProtectionTerms
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict

BUDGET = ProtectionTerms(rows_per_minute=60.0, burst_rows=60)
WATCHED = ProtectionTerms(detectors=("extraction",))
BOTH = replace(WATCHED, rows_per_minute=60.0, burst_rows=60, outside=OutsideRange.REJECT, score_digits=3)


def judged(make_material: Any, world: Any, tier: RiskTier, terms: ProtectionTerms, **own: ProtectionTerms) -> Any:
    case = replace(world.use_case, risk_tier=tier)
    book = Playbook("p", tier, (), (), "", protection=terms, protected=own)
    endpoint = Endpoint("mailing", "offers", "campaign", world.version.created_at)
    material = make_material(use_case=case, playbook=book, endpoint=endpoint)
    return StandingProtections().evaluate(material, StandingProtectionsParams())


@pytest.mark.parametrize(
    ("tier", "terms", "verdict", "reasons"),
    [
        (RiskTier.LOW, ProtectionTerms(), Verdict.PASS, ()),
        (RiskTier.MEDIUM, WATCHED, Verdict.PASS, ()),
        (RiskTier.MEDIUM, BUDGET, Verdict.WARN, ("no-detector",)),
        (RiskTier.HIGH, BOTH, Verdict.PASS, ()),
        (RiskTier.HIGH, WATCHED, Verdict.FAIL, ("no-budget",)),
        (RiskTier.HIGH, BUDGET, Verdict.FAIL, ("no-detector",)),
    ],
)
def test_each_tier_asks_for_what_it_asks_for(
    make_material: Any,
    world: Any,
    tier: RiskTier,
    terms: ProtectionTerms,
    verdict: Verdict,
    reasons: tuple[str, ...],
) -> None:
    found = judged(make_material, world, tier, terms)
    assert (found.verdict, found.reasons) == (verdict, reasons)


def test_what_will_run_is_named(make_material: Any, world: Any) -> None:
    found = judged(make_material, world, RiskTier.HIGH, BOTH)
    assert found.details["runs"] == [
        "budget of 60 rows per minute and client",
        "detector 'extraction'",
        "reject rows outside the training range",
        "scores rounded to 3 digits",
    ]
    assert "Will run: nothing." in judged(make_material, world, RiskTier.LOW, ProtectionTerms()).message


def test_the_terms_of_the_endpoint_count_not_those_of_the_tier(make_material: Any, world: Any) -> None:
    found = judged(make_material, world, RiskTier.HIGH, BOTH, mailing=ProtectionTerms())
    assert found.verdict is Verdict.FAIL
