"""V2, sealed-reuse: the first look is free, later ones are charged, and too many prove nothing any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from roadworthy.checks.runner import run_check
from roadworthy.checks.validation.technical.sealed_reuse import SealedReuse, SealedReuseParams
from roadworthy.domain.gate import Finding, PlannedCheck, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.ranking import auc_interval

Make = Callable[..., Any]


def judge(material: Any, **params: Any) -> Finding:
    return SealedReuse().evaluate(material, SealedReuseParams(**params))


@pytest.fixture
def looked(make_material: Make, make_look: Make) -> Callable[[int], Any]:
    """`looked(k)`: material whose lineage looks for the k-th time."""
    return lambda k: make_material(looks=tuple(make_look(n + 1) for n in range(k)))


def test_the_first_look_passes_and_says_so(looked: Callable[[int], Any]) -> None:
    found = judge(looked(1))
    assert (found.verdict, found.defect, found.reasons) == (Verdict.PASS, None, ())
    assert "for the first time" in found.message


def test_a_second_look_warns_with_the_count_and_the_risk_explained(looked: Callable[[int], Any]) -> None:
    found = judge(looked(2))
    assert (found.verdict, found.defect, found.reasons) == (Verdict.WARN, DefectKind.OVERFIT, ("looked-again",))
    assert found.message.startswith("Look 2 of this lineage")
    assert "fits it to the rows looked at" in found.message


def test_the_figure_is_scikit_learns_auc_and_the_interval_delongs_at_what_is_left_of_the_level(
    looked: Callable[[int], Any], world: Any
) -> None:
    found = judge(looked(3))
    scores = world.score(world.sealed.frame)
    expected = roc_auc_score(world.sealed.y, scores)
    rarer = int(min(world.sealed.y.sum(), (1 - world.sealed.y).sum()))
    plain = auc_interval(world.sealed.y, scores, 0.95)
    half = (expected - plain.low) * t.isf(0.025 / 2**20, rarer - 1) / norm.isf(0.025)
    assert found.statistic == pytest.approx(expected)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(expected - half)
    assert found.details["low_at_a_first_look"] == pytest.approx(plain.low)


def test_it_fails_exactly_when_the_widened_interval_leaves_the_claim(looked: Callable[[int], Any]) -> None:
    now = judge(looked(2))
    assert now.interval is not None
    gain = now.interval.low - 0.5
    assert judge(looked(2), min_gain=gain - 1e-9).verdict is Verdict.WARN
    worn = judge(looked(2), min_gain=gain + 1e-9)
    assert (worn.verdict, worn.reasons, worn.defect) == (Verdict.FAIL, ("worn-out",), DefectKind.OVERFIT)
    assert "seal new rows" in worn.message


def test_more_looks_than_the_playbook_allows_fail_whatever_the_figure(looked: Callable[[int], Any]) -> None:
    assert judge(looked(4), max_looks=4).verdict is Verdict.WARN
    assert judge(looked(5), max_looks=4).reasons == ("too-many-looks",)


def test_rows_that_would_not_do_at_a_first_look_either_say_nothing(looked: Callable[[int], Any]) -> None:
    assert judge(looked(2), min_gain=0.49).reasons == ("not-proven-at-a-first-look",)


def test_too_few_rows_or_events_are_inconclusive(looked: Callable[[int], Any], make_labelled: Make) -> None:
    few = replace(looked(2), sealed=make_labelled(100, 4))
    assert (judge(few).verdict, judge(few).reasons) == (Verdict.INCONCLUSIVE, ("too-few-rows",))


def test_without_a_recorded_look_nothing_is_concluded(make_material: Make) -> None:
    found = run_check(PlannedCheck(Step.V2, "sealed-reuse"), make_material(looks=()))
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, ("missing:looks",))


def test_an_analyst_who_keeps_the_luckiest_of_twenty_random_models_does_not_get_through(
    looked: Callable[[int], Any], world: Any
) -> None:
    """The shortcut: draw scores until the sealed rows like them. The figure looks better than chance, and is not."""
    rng = np.random.default_rng(5)
    lucky = max(
        (rng.random(len(world.sealed.y)) for _ in range(10)), key=lambda s: roc_auc_score(world.sealed.y, s)
    )
    found = judge(replace(looked(10), score=lambda frame: lucky[: frame.n_rows]), min_gain=0.0)
    assert found.statistic is not None
    assert found.statistic > 0.5
    assert not found.verdict.lets_through


def test_useless_models_get_past_a_second_look_less_often_than_the_level_leaves(
    make_material: Make, make_look: Make, make_labelled: Make
) -> None:
    """Under the null of a useless model, chosen as the better of two, the claim survives almost never."""
    rng, looks = np.random.default_rng(3), tuple(make_look(n + 1) for n in range(2))
    sealed = make_labelled(400, 200)
    through = 0
    for _ in range(200):
        lucky = max((rng.random(400) for _ in range(2)), key=lambda s: roc_auc_score(sealed.y, s))
        material = make_material(looks=looks, sealed=sealed, score=lambda _, found=lucky: found)
        through += judge(material, min_gain=0.0).verdict.lets_through
    assert through <= 0.025 * 200
