from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from roadworthy.checks.material import TrafficSample
from roadworthy.checks.release.parameter_parity import ParameterParity, ParameterParityParams, peak_per_second
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Array, Frame

EVEN = np.arange(1500) * 2.0


def text(values: Sequence[str | None]) -> Array:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


@pytest.fixture
def live(world: Any) -> Frame:
    return world.production.frame.select(world.version.signature.names)


def judged(make_material: Any, frame: Frame, arrivals: Any = EVEN, **params: Any) -> Any:
    material = make_material(traffic=TrafficSample(frame, arrivals[: frame.n_rows]))
    return ParameterParity().evaluate(material, ParameterParityParams(**params))


def told(finding: Any, subject: str) -> Any:
    return next(row for row in finding.details["dimensions"] if row["subject"] == subject)


def test_traffic_like_the_training_data_passes_in_every_dimension(make_material: Any, live: Frame) -> None:
    finding = judged(make_material, live)
    assert finding.verdict is Verdict.PASS
    assert {row["dimension"] for row in finding.details["dimensions"]} == {
        "velocity",
        "volume",
        "shape",
        "quality",
    }


def test_the_peak_is_that_of_a_brute_force_count() -> None:
    arrivals = np.round(np.random.default_rng(3).exponential(0.3, 300).cumsum(), 2)
    brute = max(sum(t <= other < t + 1.0 for other in arrivals) for t in arrivals)
    assert peak_per_second(np.random.default_rng(4).permutation(arrivals)) == brute


@pytest.mark.parametrize(("tested", "verdict"), [(50, Verdict.PASS), (49, Verdict.FAIL)], ids=["just", "over"])
def test_a_burst_counts_although_the_mean_rate_is_low(
    make_material: Any, live: Frame, tested: int, verdict: Verdict
) -> None:
    arrivals = EVEN.copy()
    arrivals[700:750] = arrivals[700] + np.linspace(0.0, 0.9, 50)
    finding = judged(make_material, live, arrivals, tested_per_second=tested)
    assert told(finding, "peak")["measured"] == 50
    assert finding.verdict is verdict
    assert finding.defect is (DefectKind.SERVING_FAILURE if verdict is Verdict.FAIL else None)


@pytest.mark.parametrize(("tested", "verdict"), [(43_200, Verdict.PASS), (43_199, Verdict.FAIL)])
def test_more_rows_a_day_than_tested_fail(make_material: Any, live: Frame, tested: int, verdict: Verdict) -> None:
    assert judged(make_material, live, tested_rows_per_day=tested).verdict is verdict


def test_a_missing_column_and_text_for_numbers_are_a_broken_contract(make_material: Any, live: Frame) -> None:
    wrong = live.drop(["tenure"]).with_column("age", text(["40"] * live.n_rows))
    finding = judged(make_material, wrong)
    assert finding.defect is DefectKind.CONTRACT_MISMATCH
    assert {"shape:tenure-missing", "shape:age-other-type"} <= set(finding.reasons)


def test_whole_numbers_sent_as_decimals_are_the_same_shape(make_material: Any, live: Frame) -> None:
    assert judged(make_material, live.with_column("age", live.floats("age"))).verdict is Verdict.PASS


def test_a_column_that_stopped_coming_is_a_quality_failure(make_material: Any, live: Frame) -> None:
    gone = live.with_column("channel", text([None] * live.n_rows))
    finding = judged(make_material, gone)
    assert finding.defect is DefectKind.DATA_QUALITY
    assert finding.reasons == ("quality:channel-missing",)
    assert told(finding, "channel-missing")["measured"] == 1.0


@pytest.mark.parametrize("spoil", ["unseen", "range"])
def test_quality_fails_exactly_where_wilsons_lower_end_passes_the_limit(
    make_material: Any, live: Frame, spoil: str
) -> None:
    n, limit = live.n_rows, 0.05
    level = 1 - 0.05 / 10  # five inputs, two comparisons each
    failing = min(k for k in range(n) if binomtest(k, n).proportion_ci(level, method="wilson").low > limit)

    def verdict(k: int) -> Verdict:
        if spoil == "unseen":
            values = text(["fax"] * k + list(live["channel"][k:]))
            return judged(make_material, live.with_column("channel", values), max_unseen_share=limit).verdict
        tenure = np.concatenate([np.full(k, 9e9), np.clip(live.floats("tenure")[k:], 1, 10)])
        frame = live.with_column("tenure", tenure)
        return judged(make_material, frame, max_out_of_range_share=limit).verdict

    assert verdict(failing) is Verdict.FAIL
    assert verdict(failing - 1) is Verdict.WARN
    assert verdict(int(limit * n)) is Verdict.PASS


def test_too_short_a_sample_is_inconclusive(make_material: Any, live: Frame) -> None:
    short = judged(make_material, live.take(np.arange(199)))
    assert short.verdict is Verdict.INCONCLUSIVE
    assert short.defect is None
    at_once = judged(make_material, live, np.zeros(1500), tested_per_second=1500)
    assert at_once.reasons == ("volume:no-time-span",)


def test_clean_traffic_rarely_fails(make_material: Any, make_labelled: Any, world: Any) -> None:
    names = world.version.signature.names
    fails = sum(
        judged(make_material, make_labelled(400, seed).frame.select(names)).verdict is Verdict.FAIL
        for seed in range(100, 140)
    )
    assert binomtest(fails, 40, 0.05, alternative="greater").pvalue > 0.01
