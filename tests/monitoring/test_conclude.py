"""One conclusion: data, mathematical and business drift told apart."""

from __future__ import annotations

import pytest

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.conclude import conclude

P, W, F, N, E = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR


def data(verdict: Verdict) -> Signal:
    defect = DefectKind.DATA_DRIFT if verdict in (W, F) else None
    return Signal("data-drift", SignalKind.DATA_DRIFT, "age", verdict, "age moved", 0.4, defect=defect)


def auc(verdict: Verdict, subject: str = "auc") -> Signal:
    defect = DefectKind.MATHEMATICAL_DRIFT if verdict in (W, F) else None
    return Signal("performance", SignalKind.MATHEMATICAL_DRIFT, subject, verdict, "AUC 0.51", 0.51, defect=defect)


def business(verdict: Verdict, shift: float = 0.4, subject: str = "base rate") -> Signal:
    defect = DefectKind.BUSINESS_DRIFT if verdict in (W, F) else None
    message = f"{subject} rose from 5% to 50%"
    return Signal("business-drift", SignalKind.BUSINESS_DRIFT, subject, verdict, message, shift, defect=defect)


@pytest.mark.parametrize(
    ("signals", "verdict", "defects", "said"),
    [
        pytest.param([data(P), auc(P), business(P)], P, (), "All well", id="all well"),
        pytest.param([data(F), auc(P), business(P)], F, ("data-drift",), "data acquisition", id="data drift"),
        pytest.param(
            [data(P), auc(P), business(F)], F, ("business-drift",), "business understanding", id="business"
        ),
        pytest.param([data(P), auc(F), business(P)], F, ("mathematical-drift",), "modelling", id="mathematical"),
        pytest.param(
            [business(F), data(F), auc(F)],
            F,
            ("mathematical-drift", "data-drift", "business-drift"),
            "Goes back to modelling",
            id="mathematical drift comes first",
        ),
        pytest.param([data(W), auc(P)], W, (), "with a warning: age moved", id="a warning"),
        pytest.param([data(N), auc(P)], N, (), "Could not judge data drift (age)", id="not judged is no pass"),
        pytest.param(
            [data(F), auc(N)], F, ("data-drift",), "not known until outcomes", id="outcomes still missing"
        ),
        pytest.param([data(F), auc(E)], F, ("data-drift",), "Could not judge mathematical", id="a broken monitor"),
        pytest.param([], N, (), "Nothing was measured", id="nothing"),
    ],
)
def test_the_conclusion_names_the_kind_of_drift(
    signals: list[Signal], verdict: Verdict, defects: tuple[str, ...], said: str
) -> None:
    found = conclude(signals)
    assert (found.verdict, tuple(d.value for d in found.defects)) == (verdict, defects)
    assert said in found.sentence


def test_a_rising_kpi_with_a_model_at_chance_is_no_reason_to_congratulate() -> None:
    held = business(F, subject="hold-out base rate")
    found = conclude([auc(F), auc(F, "chance"), business(F), held])
    assert "Do not congratulate the model" in found.sentence
    assert "hold-out base rate rose from 5% to 50% without the model" in found.sentence


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([auc(P), business(F)], id="the model is fine"),
        pytest.param([auc(F), business(F, shift=-0.3)], id="the KPI falls"),
        pytest.param([auc(F), business(P)], id="the KPI stays"),
    ],
)
def test_otherwise_nobody_is_told_not_to_congratulate(signals: list[Signal]) -> None:
    assert "congratulate" not in conclude(signals).sentence


def test_the_order_of_signals_does_not_matter() -> None:
    signals = [data(F), auc(F), business(F), data(N)]
    assert conclude(signals).defects == conclude(signals[::-1]).defects
    assert conclude(signals).verdict is conclude(signals[::-1]).verdict


def test_many_unanswered_columns_stay_one_short_sentence() -> None:
    many = [Signal("data-drift", SignalKind.DATA_DRIFT, f"c{i}", N, "few rows") for i in range(200)]
    assert len(conclude(many).sentence) < 200
