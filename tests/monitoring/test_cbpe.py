"""CBPE: right while outcomes mean what they meant, and blind when they do not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from roadworthy.domain.errors import DataError
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.cbpe import Calibrator, detect, estimate, fit
from roadworthy.statistics.frame import Floats


def world(seed: int, n: int, centre: float = 0.0) -> tuple[Floats, Floats]:
    """Outcomes and perfectly calibrated scores; `centre` moves the inputs, not their meaning."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(centre, 1.5, n)))
    return (rng.random(n) < p).astype(np.float64), p


@pytest.fixture(scope="module")
def oracle(data_dir: Path) -> tuple[dict[str, Any], dict[str, Floats], dict[str, Floats]]:
    folder = data_dir.parent / "oracles" / "monitoring"
    if not folder.exists():
        pytest.skip(f"needs the shared oracle values: none in {folder}")
    tables = []
    for name in ("reference.csv", "current.csv"):
        with (folder / name).open() as file:
            rows = list(csv.DictReader(file))
        tables.append({c: np.array([float(r[c]) for r in rows]) for c in ("score", "y")})
    return json.loads((folder / "values.json").read_text())["nannyml"], tables[0], tables[1]


@pytest.mark.parametrize("size", [10_000, 2_000])
def test_estimates_are_the_published_ones(oracle: Any, size: int) -> None:
    values, before, after = oracle
    expected = values[f"cbpe_chunk_{size}"]
    calibrator = fit(before["y"], before["score"])
    found = [estimate(calibrator, after["score"][a : a + size], 0.5) for a in range(0, 10_000, size)]
    assert bool(calibrator.scores) is expected["needs_calibration"]
    assert [e.auc for e in found] == pytest.approx(expected["roc_auc"]["estimated"], abs=1e-5)
    assert [e.accuracy for e in found] == pytest.approx(expected["accuracy"]["estimated"], abs=1e-5)


def test_the_calibrator_is_sklearns_isotonic_regression() -> None:
    y, p = world(1, 3000)
    squeezed = np.round(p**3, 3)
    found, model = fit(y, squeezed), IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(squeezed, y)
    points = np.linspace(0, 1, 501)
    np.testing.assert_allclose(found(points), model.predict(points), atol=1e-9)
    assert len(found.scores) < 200


def test_scores_that_are_probabilities_already_are_left_alone() -> None:
    assert fit(*world(2, 4000)) == Calibrator()


def test_a_change_of_inputs_is_followed() -> None:
    y, p = world(3, 20_000, centre=2.0)
    found = estimate(Calibrator(), p, 0.5)
    assert found.accuracy == pytest.approx(((p >= 0.5) == y).mean(), abs=0.01)
    assert found.auc == pytest.approx(roc_auc_score(y, p), abs=0.01)


def test_a_change_of_meaning_is_not_seen() -> None:
    y, p = world(4, 20_000)
    turned = 1.0 - y  # every event has become a non-event: the worst possible drift
    assert roc_auc_score(turned, p) < 0.2
    assert detect(y, p, p, 0.5).verdict is Verdict.PASS
    assert "blind" in detect(y, p, p, 0.5).message


def test_on_the_bank_it_promises_twice_the_accuracy_that_came_true(bank) -> None:  # type: ignore[no-untyped-def]
    where, ref = bank.rows("2009 H1"), bank.reference
    found = estimate(fit(bank.y[ref], bank.scores[ref]), bank.scores[where], 0.5)
    came_true = ((bank.scores[where] >= 0.5) == bank.y[where]).mean()
    assert found.accuracy > 1.9 * came_true
    assert found.auc > roc_auc_score(bank.y[where], bank.scores[where]) + 0.1


def test_an_estimated_drop_warns_but_never_fails() -> None:
    y, p = world(5, 5000)
    flat = np.clip(0.5 + (p - 0.5) * 0.05, 0, 1)
    assert detect(y, p, flat, 0.5).verdict is Verdict.WARN


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param(np.full(35, 0.5), id="35 scores"),
        pytest.param(np.full(500, np.nan), id="no answers"),
        pytest.param(np.full(500, 1.0), id="all certain"),
    ],
)
def test_what_cannot_be_estimated_is_inconclusive(scores: Floats) -> None:
    y, p = world(6, 1000)
    assert detect(y, p, scores, 0.5).verdict is Verdict.INCONCLUSIVE


def test_missing_reference_outcomes_are_refused_when_fitting() -> None:
    with pytest.raises(DataError):
        fit(np.full(100, np.nan), np.full(100, 0.5))
    with pytest.raises(DataError):
        estimate(Calibrator(), np.empty(0), 0.5)
