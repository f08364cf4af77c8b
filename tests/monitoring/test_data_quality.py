"""Data quality: what is constant, missing, unseen, out of range, mistyped, or simply not there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.data_quality import detect, volume
from roadworthy.monitoring.profile import profile
from roadworthy.monitoring.reference import build_reference
from roadworthy.statistics.frame import Frame


def text(values: list[str | None]) -> np.ndarray:  # type: ignore[type-arg]
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


RNG = np.random.default_rng(0)
BINS = build_reference(
    Frame({"x": RNG.normal(0, 1, 5000), "t": text(list("aabbc" * 1000)), "d": text(["no"] * 4990 + ["yes"] * 10)})
)


def problems(n: int = 1000, **changed: np.ndarray) -> dict[str, Signal]:  # type: ignore[type-arg]
    rng = np.random.default_rng(1)
    columns = {"x": np.clip(rng.normal(0, 1, n), -3, 3), "t": text((list("aabbc") * n)[:n]), "d": text(["no"] * n)}
    found = detect(BINS, profile(BINS, Frame({**columns, **changed})))
    return {s.monitor.split("/")[1]: s for s in found if s.verdict is not Verdict.PASS}


def holes(share: float) -> np.ndarray:  # type: ignore[type-arg]
    x = np.clip(np.random.default_rng(2).normal(0, 1, 1000), -3, 3)
    x[: round(1000 * share)] = np.nan
    return x


def test_a_window_like_the_reference_has_no_problem() -> None:
    # "d" is "no" in all 1000 rows; with 99.8 % in the reference that alone is no reason to warn.
    assert problems(n=1000) == {}


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.04, None, id="a rise that is allowed"),
        pytest.param(0.06, Verdict.WARN, id="just above, not surely"),
        pytest.param(0.10, Verdict.FAIL, id="surely above"),
        pytest.param(1.00, Verdict.FAIL, id="the column is gone"),
    ],
)
def test_missing_values_may_rise_by_five_points(share: float, expected: Verdict | None) -> None:
    found = problems(x=holes(share)).get("missing")
    assert (found.verdict if found else None) is expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(0, None, id="none"),
        pytest.param(1, Verdict.WARN, id="one row"),
        pytest.param(30, Verdict.FAIL, id="three percent"),
    ],
)
def test_an_unseen_category_warns_and_many_fail(rows: int, expected: Verdict | None) -> None:
    found = problems(t=text(["new"] * rows + ["a"] * 500 + ["b"] * (500 - rows))).get("unseen")
    assert (found.verdict if found else None) is expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.005, None, id="a few"),
        pytest.param(0.05, Verdict.WARN, id="five percent"),
        pytest.param(0.5, Verdict.FAIL, id="half: perhaps another unit"),
    ],
)
def test_values_outside_the_reference_range(share: float, expected: Verdict | None) -> None:
    x = holes(0.0)
    x[: round(1000 * share)] = 40.0
    found = problems(x=x).get("out-of-range")
    assert (found.verdict if found else None) is expected


def test_a_sensor_that_freezes_is_reported() -> None:
    frozen = problems(x=np.full(1000, 0.5))["constant"]
    assert (frozen.subject, frozen.verdict, frozen.defect) == ("x", Verdict.WARN, DefectKind.DATA_QUALITY)
    assert problems(t=text(["b"] * 1000))["constant"].subject == "t"


def test_one_text_among_numbers_fails() -> None:
    assert problems(x=text(["1,5"] + [None] * 999))["mistyped"].verdict is Verdict.FAIL


def test_thirty_five_rows_raise_no_alarm() -> None:
    found = problems(n=35, x=np.full(35, 99.0), t=text(["new"] * 35))
    assert {s.verdict for s in found.values()} == {Verdict.INCONCLUSIVE}


def test_elec2_reports_its_three_constant_sensors_before_row_17424(elec2: Frame) -> None:
    early = elec2.take(slice(0, 8640))
    bins = build_reference(early)
    found = detect(bins, profile(bins, elec2.take(slice(8640, 17_424))))
    constant = {s.subject for s in found if s.monitor == "data-quality/constant" and s.verdict is Verdict.WARN}
    assert constant == {"vicprice", "vicdemand", "transfer"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(1000, Verdict.PASS, id="as expected"),
        pytest.param(950, Verdict.PASS, id="a little less, by chance"),
        pytest.param(700, Verdict.WARN, id="clearly less"),
        pytest.param(499, Verdict.FAIL, id="less than half"),
        pytest.param(0, Verdict.FAIL, id="silence"),
        pytest.param(3000, Verdict.PASS, id="more is no collapse"),
    ],
)
def test_traffic_that_collapses_is_found(rows: int, expected: Verdict) -> None:
    assert volume(rows, 1000).verdict is expected


def test_few_expected_rows_prove_little() -> None:
    assert stats.poisson.cdf(1, 3) > 0.01
    assert volume(1, 3).verdict is Verdict.PASS
    assert volume(0, 0).verdict is Verdict.INCONCLUSIVE


def test_the_bike_outage_of_october_2012_is_found_and_only_it(bike: Frame) -> None:
    days, rows = np.unique(bike["dteday"].astype(str), return_counts=True)
    failed = {d[:10]: n for d, n in zip(days, rows, strict=True) if volume(int(n), 24).verdict is Verdict.FAIL}
    assert failed["2012-10-29"] == 1
    assert failed["2012-10-30"] == 11
    assert int((rows < 24).sum()) == 76
    assert len(failed) <= 5
