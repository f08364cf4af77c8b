"""Sticky assignment: uniform, monotone, independent, exact."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from roadworthy.domain.errors import ConflictError
from roadworthy.domain.serving import Arm, ArmRole, Deployment, DeploymentState, Strategy
from roadworthy.gateway.assign import Assigner, uniform

UNITS = [f"customer-{i}" for i in range(5000)]


def deployed(share: float, holdout: float = 0.1, salt: str = "s") -> Deployment:
    arms = (
        Arm("champion", ArmRole.CHAMPION, 1 - share, "v1"),
        Arm("challenger", ArmRole.CHALLENGER, share, "v2"),
        Arm("hold-out", ArmRole.HOLD_OUT, holdout),
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Deployment("d", "offers", Strategy.CANARY, arms, salt, False, DeploymentState.PROGRESSING, at, "olga")


def arms_of(share: float, holdout: float = 0.1, salt: str = "s") -> list[str]:
    assigner = Assigner(deployed(share, holdout, salt))
    return [assigner.assign(unit).arm.name for unit in UNITS]


def test_the_published_formula_recomputes_the_hash() -> None:
    digest = hashlib.sha256(b"salt\x00unit").hexdigest()
    assert uniform("salt", "unit") == pytest.approx(int(digest, 16) / 2**256, abs=2**-52)


def test_the_hash_is_uniform_over_units() -> None:
    counts, _ = np.histogram([uniform("salt", unit) for unit in UNITS], bins=20, range=(0, 1))
    assert stats.chisquare(counts).pvalue > 0.001


@given(st.text(min_size=1), st.floats(0.01, 0.98), st.floats(0.001, 0.5))
def test_growing_the_share_never_flips_a_unit_back(unit: str, share: float, more: float) -> None:
    before = Assigner(deployed(share)).assign(unit).arm.name
    after = Assigner(deployed(min(1.0, share + more))).assign(unit).arm.name
    assert after == before or (before, after) == ("champion", "challenger")


@given(st.text(min_size=1), st.floats(0, 1), st.text())
def test_a_held_out_unit_stays_held_out_over_deployments_and_shares(unit: str, share: float, salt: str) -> None:
    held = Assigner(deployed(0.5)).assign(unit).arm.name == "hold-out"
    later = Assigner(replace(deployed(share, salt=salt), id="another")).assign(unit).arm.name == "hold-out"
    assert held == later


def test_a_larger_hold_out_keeps_the_units_of_the_smaller_one() -> None:
    small = {u for u, arm in zip(UNITS, arms_of(0.3, 0.05), strict=True) if arm == "hold-out"}
    large = {u for u, arm in zip(UNITS, arms_of(0.3, 0.2), strict=True) if arm == "hold-out"}
    assert small < large


def test_hold_out_and_arm_draws_are_independent() -> None:
    held = np.array([uniform("offers:hold-out", u) < 0.3 for u in UNITS])
    challenger = np.array([uniform("s", u) < 0.4 for u in UNITS])
    table = [[np.sum(held & challenger), np.sum(held & ~challenger)],
             [np.sum(~held & challenger), np.sum(~held & ~challenger)]]  # fmt: skip
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_draws_under_two_salts_are_independent() -> None:
    pairs = [(uniform("s1", u), uniform("s2", u)) for u in UNITS]
    assert stats.spearmanr(*zip(*pairs, strict=True)).pvalue > 0.001


def test_observed_shares_match_the_weights() -> None:
    counts = Counter(arms_of(0.25, 0.1))
    observed = [counts[name] for name in ("hold-out", "challenger", "champion")]
    expected = [5000 * p for p in (0.1, 0.9 * 0.25, 0.9 * 0.75)]
    assert stats.chisquare(observed, expected).pvalue > 0.001


@given(st.floats(0, 1), st.floats(0, 0.99))
def test_propensities_are_exact_and_sum_to_one(share: float, holdout: float) -> None:
    found = {a.arm.name: a.propensity for a in Assigner(deployed(share, holdout)).assignments}
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    assert found["challenger"] == pytest.approx((1 - holdout) * share, abs=1e-15)


CHAMPION, CHALLENGER = ArmRole.CHAMPION, ArmRole.CHALLENGER
INCONSISTENT = {
    "no champion": ((Arm("a", CHALLENGER, 1.0),), "arms.role"),
    "two champions": ((Arm("a", CHAMPION, 0.5), Arm("b", CHAMPION, 0.5)), "arms.role"),
    "two hold-outs": (
        (Arm("a", CHAMPION, 1.0), Arm("b", ArmRole.HOLD_OUT, 0.1), Arm("c", ArmRole.HOLD_OUT, 0.1)),
        "arms.role",
    ),
    "weights below one": ((Arm("a", CHAMPION, 0.9),), "arms.weight"),
    "a negative weight": ((Arm("a", CHAMPION, 1.5), Arm("b", CHALLENGER, -0.5)), "arms.weight"),
    "not a number": ((Arm("a", CHAMPION, float("nan")),), "arms.weight"),
    "one name twice": ((Arm("a", CHAMPION, 0.5), Arm("a", CHALLENGER, 0.5)), "arms.name"),
}


@pytest.mark.parametrize(("arms", "field"), INCONSISTENT.values(), ids=INCONSISTENT)
def test_an_inconsistent_deployment_is_refused_by_field(arms: tuple[Arm, ...], field: str) -> None:
    with pytest.raises(ConflictError) as caught:
        Assigner(replace(deployed(0.5), arms=arms))
    assert caught.value.fields["field"] == field
