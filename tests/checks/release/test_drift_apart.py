from __future__ import annotations

from typing import Any

import pytest

from roadworthy.checks.release.drift_apart import DriftApart, DriftApartParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.returns import WAY_BACK, DefectKind, DevelopmentStep
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict

PASS, WARN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.FAIL
INCONCLUSIVE, ERROR = Verdict.INCONCLUSIVE, Verdict.ERROR


def signal(kind: SignalKind, verdict: Verdict, subject: str = "all") -> Signal:
    return Signal("monitor", kind, subject, verdict, "", rows=500)


def signals(
    data: tuple[Verdict, ...] = (PASS,) * 10,
    mathematical: tuple[Verdict, ...] = (PASS,),
    business: tuple[Verdict, ...] = (PASS,),
    score: tuple[Verdict, ...] = (),
) -> tuple[Signal, ...]:
    return (
        *(signal(SignalKind.DATA_DRIFT, v, f"c{i}") for i, v in enumerate(data)),
        *(signal(SignalKind.MATHEMATICAL_DRIFT, v, f"m{i}") for i, v in enumerate(mathematical)),
        *(signal(SignalKind.BUSINESS_DRIFT, v, f"b{i}") for i, v in enumerate(business)),
        *(signal(SignalKind.SCORE_DRIFT, v) for v in score),
    )


def judged(make_material: Any, seen: tuple[Signal, ...], **params: Any) -> Any:
    return DriftApart().evaluate(make_material(signals=seen), DriftApartParams(**params))


def test_all_well_goes_on_to_activation(make_material: Any) -> None:
    finding = judged(make_material, signals(score=(PASS,)))
    assert (finding.verdict, finding.defect, finding.rows) == (PASS, None, 500)


@pytest.mark.parametrize(
    ("seen", "defect", "step"),
    [
        (signals(data=(FAIL,) * 3), DefectKind.DATA_DRIFT, DevelopmentStep.DATA_ACQUISITION),
        (signals(business=(FAIL,)), DefectKind.BUSINESS_DRIFT, DevelopmentStep.BUSINESS_UNDERSTANDING),
        (signals(mathematical=(FAIL,)), DefectKind.MATHEMATICAL_DRIFT, DevelopmentStep.MODELLING),
    ],
    ids=["data", "business", "mathematical"],
)
def test_each_drift_has_its_own_way_back(make_material: Any, seen: Any, defect: Any, step: Any) -> None:
    finding = judged(make_material, seen)
    assert (finding.verdict, finding.defect) == (FAIL, defect)
    assert WAY_BACK[defect] is step


@pytest.mark.parametrize(
    ("drifted", "of", "verdict"),
    [(0, 10, PASS), (1, 11, PASS), (1, 10, WARN), (29, 100, WARN), (3, 10, FAIL)],
    ids=["none", "below warn", "at warn", "below fail", "at fail"],
)
def test_the_share_of_drifted_columns_decides(make_material: Any, drifted: int, of: int, verdict: Any) -> None:
    seen = signals(data=(FAIL,) * drifted + (PASS,) * (of - drifted))
    finding = judged(make_material, seen)
    assert finding.verdict is verdict
    assert finding.statistic == pytest.approx(drifted / of)


def test_many_columns_that_moved_a_little_are_a_warning(make_material: Any) -> None:
    assert judged(make_material, signals(data=(WARN,) * 10)).verdict is WARN
    assert judged(make_material, signals(data=(WARN,) + (PASS,) * 10)).verdict is PASS


def test_columns_nobody_could_measure_do_not_dilute_the_share(make_material: Any) -> None:
    seen = signals(data=(FAIL,) * 2 + (PASS,) * 4 + (INCONCLUSIVE,) * 4)
    finding = judged(make_material, seen)
    assert finding.verdict is FAIL
    assert finding.statistic == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ((), INCONCLUSIVE),
        (signals(data=()), INCONCLUSIVE),
        (signals(mathematical=()), INCONCLUSIVE),
        (signals(business=(INCONCLUSIVE,)), INCONCLUSIVE),
        (signals(business=(ERROR,)), ERROR),
        (signals(data=(PASS,) * 4 + (INCONCLUSIVE,) * 6), INCONCLUSIVE),
    ],
    ids=["nothing", "no data", "no mathematical", "business unknown", "business broke", "most columns unknown"],
)
def test_a_kind_nobody_measured_is_never_a_pass(make_material: Any, seen: Any, verdict: Any) -> None:
    finding = judged(make_material, seen)
    assert finding.verdict is verdict
    assert finding.defect is None


def test_a_measured_failure_stays_one_whatever_else_is_unknown(make_material: Any) -> None:
    finding = judged(make_material, signals(data=(), mathematical=(FAIL,)))
    assert finding.verdict is FAIL
    assert "data-drift:inconclusive" in finding.reasons


def test_when_all_drift_at_once_every_kind_is_told(make_material: Any) -> None:
    seen = signals(data=(FAIL,) * 10, mathematical=(FAIL,), business=(FAIL,))
    finding = judged(make_material, seen)
    assert finding.defect is DefectKind.MATHEMATICAL_DRIFT
    assert len(finding.reasons) == 3


def test_scores_that_move_while_no_column_does_are_a_warning(make_material: Any) -> None:
    finding = judged(make_material, signals(score=(FAIL,)))
    assert (finding.verdict, finding.defect) == (WARN, DefectKind.DATA_DRIFT)


def test_signals_that_were_never_computed_are_inconclusive(make_material: Any) -> None:
    for nothing in (None, ()):
        finding = run_check(PlannedCheck(Step.R7, "drift-apart"), make_material(signals=nothing))
        assert finding.verdict is INCONCLUSIVE
