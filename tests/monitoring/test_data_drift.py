"""Data drift: large and not by chance; silent on few rows; gone when the data come back."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.domain.errors import DataError, SettingError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.data_drift import DataDriftParams, detect
from roadworthy.monitoring.distances.ks import ks
from roadworthy.monitoring.profile import profile
from roadworthy.monitoring.reference import build_reference
from roadworthy.statistics.frame import Frame


def verdicts(reference: Frame, current: Frame, params: DataDriftParams | None = None) -> dict[str, Verdict]:
    bins = build_reference(reference)
    return {s.subject: s.verdict for s in detect(bins, profile(bins, current), params)}


def normal(seed: int, n: int, shift: float = 0.0, columns: int = 1) -> Frame:
    rng = np.random.default_rng(seed)
    return Frame({f"x{i}": rng.normal(shift, 1, n) for i in range(columns)})


@pytest.mark.parametrize(
    ("shift", "n", "expected"),
    [
        pytest.param(0.0, 5000, Verdict.PASS, id="no shift"),
        pytest.param(0.1, 5000, Verdict.PASS, id="significant but small"),
        pytest.param(0.4, 5000, Verdict.WARN, id="medium"),
        pytest.param(1.0, 5000, Verdict.FAIL, id="large"),
        pytest.param(1.0, 200, Verdict.FAIL, id="large, just enough rows"),
        pytest.param(3.0, 199, Verdict.INCONCLUSIVE, id="huge, one row too few"),
        pytest.param(3.0, 35, Verdict.INCONCLUSIVE, id="35 rows raise no alarm"),
        pytest.param(0.0, 0, Verdict.INCONCLUSIVE, id="no rows"),
    ],
)
def test_drift_needs_size_significance_and_rows(shift: float, n: int, expected: Verdict) -> None:
    assert verdicts(normal(0, 5000), normal(1, n, shift)) == {"x0": expected}


def test_no_drift_raises_false_alarms_in_at_most_one_percent_of_reviews() -> None:
    bins = build_reference(normal(0, 5000, columns=10))
    windows = (profile(bins, normal(seed, 200, columns=10)) for seed in range(1, 501))
    alarms = sum(any(s.verdict is not Verdict.PASS for s in detect(bins, w)) for w in windows)
    assert alarms <= 10  # 1 % of 500 plus 2.2 binomial standard errors


def test_a_signal_says_what_it_saw_and_where_it_goes_back_to() -> None:
    bins = build_reference(normal(0, 5000), np.linspace(0, 1, 5000))
    column, score = detect(bins, profile(bins, normal(1, 1000, 2.0), np.full(1000, 0.99)))
    assert (column.kind, score.kind) == (SignalKind.DATA_DRIFT, SignalKind.SCORE_DRIFT)
    assert column.defect is score.defect is DefectKind.DATA_DRIFT
    assert column.rows == 1000
    assert sum(column.details["current_shares"]) == pytest.approx(1.0, abs=1e-4)
    assert len(column.details["bins"]) == len(column.details["current_shares"])


def test_a_column_constant_on_both_sides_passes() -> None:
    same = Frame({"c": np.full(500, 3.0)})
    assert verdicts(same, same) == {"c": Verdict.PASS}


def test_a_profile_over_other_bins_is_refused() -> None:
    other = build_reference(normal(5, 500))
    with pytest.raises(DataError, match="counted over reference"):
        detect(build_reference(normal(0, 500)), profile(other, normal(1, 500)))


def test_a_parameter_outside_its_range_is_named() -> None:
    with pytest.raises(SettingError, match="'fail_at' of DataDriftParams is 2"):
        DataDriftParams(fail_at=2.0)


SENSORS = ("vicprice", "vicdemand", "transfer")


def test_elec2_sensors_fire_right_after_row_17424_and_not_before(elec2: Frame) -> None:
    reference = elec2.take(slice(0, 8640))
    before = verdicts(reference, elec2.take(slice(17_424 - 336, 17_424)))
    after = verdicts(reference, elec2.take(slice(17_424, 17_424 + 336)))
    assert {before[s] for s in SENSORS} == {Verdict.PASS}
    assert {after[s] for s in SENSORS} == {Verdict.FAIL}


def test_elec2_prices_move_away_and_come_back(elec2: Frame) -> None:
    price = elec2.floats("nswprice")
    blocks = [slice(a, a + 8640) for a in range(8640, 45_312, 8640)]
    assert [ks(price[:8640], price[b]) for b in blocks] == pytest.approx(
        [0.203, 0.504, 0.815, 0.307, 0.282], abs=0.001
    )
    bins = build_reference(elec2.take(slice(0, 8640)).select(["nswprice"]))
    sizes = [detect(bins, profile(bins, elec2.take(b)))[0].statistic for b in blocks]
    assert int(np.argmax(sizes)) == 2
    assert sizes[4] < 0.4 * sizes[2]


def test_a_detector_has_no_memory_and_recovers_with_the_data() -> None:
    reference = normal(0, 5000)
    story = [verdicts(reference, normal(i, 1000, shift))["x0"] for i, shift in enumerate((0.0, 2.0, 2.0, 0.0), 1)]
    assert story == [Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.PASS]


def test_a_reference_of_the_same_season_keeps_the_season_quiet(bike: Frame) -> None:
    year, month = bike.floats("yr"), bike.floats("mnth")

    def temperature(y: int, months: tuple[int, ...]) -> Frame:
        return bike.take((year == y) & np.isin(month, months)).select(["temp"])

    spring, summer = (1, 2, 3), (7, 8, 9)
    assert verdicts(temperature(0, spring), temperature(1, summer)) == {"temp": Verdict.FAIL}
    a_year_ago = build_reference(temperature(0, summer))
    seasonal = detect(a_year_ago, profile(a_year_ago, temperature(1, summer)))[0]
    assert seasonal.verdict is Verdict.PASS
