"""Distances and tests on count tables, against scipy and the shared oracle values."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from roadworthy.domain.errors import DataError
from roadworthy.monitoring.distances.chi_square import chi_square
from roadworthy.monitoring.distances.counts import pooled
from roadworthy.monitoring.distances.jensen_shannon import jensen_shannon
from roadworthy.monitoring.distances.ks import binned_ks, ks, ks_p_value
from roadworthy.monitoring.distances.psi import psi
from roadworthy.monitoring.profile import profile
from roadworthy.monitoring.reference import build_reference
from roadworthy.statistics.frame import Frame

RNG = np.random.default_rng(3)
A, B = RNG.multinomial(5000, RNG.dirichlet(np.ones(8))), RNG.multinomial(900, RNG.dirichlet(np.ones(8)))
NUMERIC = ("x_norm", "x_logn", "n_pois")
TEXT = ("c_small", "c_big")


@pytest.fixture(scope="module")
def oracle(data_dir: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    folder = data_dir.parent / "oracles" / "monitoring"
    if not folder.exists():
        pytest.skip(f"needs the shared oracle values: none in {folder}")
    values = json.loads((folder / "values.json").read_text())
    return values, _columns(folder / "reference.csv"), _columns(folder / "current.csv")


def _columns(path: Path) -> dict[str, Any]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    floats = {c: np.array([float(r[c]) for r in rows]) for c in NUMERIC}
    return {**floats, **{c: np.array([r[c] for r in rows], dtype=object) for c in TEXT}}


def _category_counts(a: Any, b: Any) -> tuple[Any, Any]:
    names = sorted(set(a) | set(b))
    return [int((a == n).sum()) for n in names], [int((b == n).sum()) for n in names]


@pytest.mark.parametrize("column", NUMERIC)
def test_numeric_columns_give_the_published_values_through_reference_and_profile(oracle: Any, column: str) -> None:
    values, before, after = oracle
    bins = build_reference(Frame({column: before[column]}))
    counts = profile(bins, Frame({column: after[column]})).columns[0].counts
    expected = values["reference"]
    assert psi(bins.columns[0].counts, counts) == pytest.approx(expected["psi_q10(floor=1e-4)"][column], abs=1e-8)
    found = jensen_shannon(bins.columns[0].counts, counts)
    assert found == pytest.approx(expected["js_distance_base2_q10"][column], abs=1e-8)


@pytest.mark.parametrize("column", TEXT)
def test_text_columns_give_the_published_values(oracle: Any, column: str) -> None:
    values, before, after = oracle
    a, b = _category_counts(before[column], after[column])
    expected, found = values["reference"], chi_square(a, b)
    assert psi(a, b) == pytest.approx(expected["psi(floor=1e-4)"][column], abs=1e-8)
    assert psi(a, b) == pytest.approx(values["evidently"]["psi"][column], abs=1e-8)
    assert jensen_shannon(a, b) == pytest.approx(values["nannyml"]["jensen_shannon"][column], abs=1e-8)
    assert (found.statistic, found.freedom) == pytest.approx(
        (expected["chi2_stat"][column], expected["chi2_dof"][column])
    )
    assert found.p_value == pytest.approx(expected["chi2_p"][column], rel=1e-3)


@pytest.mark.parametrize("column", NUMERIC)
def test_ks_gives_the_published_values(oracle: Any, column: str) -> None:
    values, before, after = oracle
    found = ks(before[column], after[column])
    assert found == pytest.approx(values["reference"]["ks_stat"][column], abs=1e-9)
    assert found == pytest.approx(values["frouros"]["ks_stat"][column], abs=1e-9)
    # The asymptotic p-values of scipy and alibi-detect use the same limit law; scipy refines its argument a little.
    assert ks_p_value(found, 10_000, 10_000) == pytest.approx(values["reference"]["ks_p_asymp"][column], rel=0.01)


def test_jensen_shannon_and_chi_square_agree_with_scipy() -> None:
    assert jensen_shannon(A, B) == pytest.approx(distance.jensenshannon(A, B, base=2))
    oracle = stats.chi2_contingency(np.stack([A, B]), correction=False)
    found = chi_square(A, B)
    assert (found.statistic, found.freedom, found.p_value) == pytest.approx(
        (oracle.statistic, oracle.dof, oracle.pvalue)
    )


def test_ks_agrees_with_scipy_and_the_binned_one_never_exceeds_it() -> None:
    a, b = RNG.normal(0, 1, 800), np.append(RNG.normal(0.3, 1, 500), np.nan)
    assert ks(a, b) == pytest.approx(stats.ks_2samp(a, b[:-1]).statistic)
    edges = np.quantile(a, np.linspace(0.1, 0.9, 9))
    counts = [np.bincount(np.searchsorted(edges, x), minlength=10) for x in (a, b[:-1])]
    assert 0.5 * ks(a, b) < binned_ks(*counts) <= ks(a, b) + 1e-12


def test_psi_of_two_bins_by_hand() -> None:
    # (0.25 - 0.5) ln(0.5) + (0.75 - 0.5) ln(1.5)
    assert psi([50, 50], [25, 75]) == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))


@pytest.mark.parametrize("measure", [psi, jensen_shannon, binned_ks])
def test_a_distance_is_zero_for_equal_shares_whatever_the_size(measure: Any) -> None:
    assert measure(A, 3 * A) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("measure", [psi, jensen_shannon, binned_ks, chi_square, pooled])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param([1, 2], [0, 0], id="empty"),
        pytest.param([1, 2], [1, 2, 3], id="other bins"),
        pytest.param([1, -2], [1, 2], id="negative"),
        pytest.param([], [], id="no bins"),
    ],
)
def test_tables_without_a_distance_are_refused_and_not_zero(measure: Any, a: list[int], b: list[int]) -> None:
    with pytest.raises(DataError):
        measure(a, b)


def test_one_occupied_bin_has_no_test() -> None:
    assert chi_square([10, 0], [20, 0]) is None


def test_pooling_leaves_no_bin_below_five_expected_rows_and_loses_none() -> None:
    a, b = pooled([5000, 3, 2, 1, 700], [200, 0, 1, 0, 30])
    expected = (a + b) * 231 / (5706 + 231)
    assert expected.min() >= 5.0
    assert (a.sum(), b.sum()) == (5706, 231)


def test_the_pooled_test_keeps_its_error_rate_on_sparse_categories() -> None:
    shares, rng = np.array([0.6, 0.3] + [0.01] * 10), np.random.default_rng(0)
    tables = [(rng.multinomial(5000, shares), rng.multinomial(200, shares)) for _ in range(1000)]
    alarms = sum(chi_square(*pooled(a, b)).p_value < 0.05 for a, b in tables)
    assert alarms <= 66  # 5 % of 1000 plus 2.3 binomial standard errors
