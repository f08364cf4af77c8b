from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from roadworthy.checks.material import Labelled, Score
from roadworthy.checks.release.adversarial_robustness import (
    AdversarialRobustness,
    AdversarialRobustnessParams,
    judge,
)
from roadworthy.checks.release.boundary_attack import attack, queries_per_row
from roadworthy.checks.release.numeric_space import NumericSpace, numeric_space
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Bools, Floats, Frame

WEIGHTS = np.array([1.0, -2.0, 0.5])
NAMES = ("a", "b", "c")
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in NAMES))
FLAG = Signature((ColumnSpec("a", DType.BOOL),))
PARAMS = AdversarialRobustnessParams()


def table(rows: int = 400, seed: int = 0) -> Frame:
    rng = np.random.default_rng(seed)
    return Frame({n: rng.normal(0.0, s, rows) for n, s in zip(NAMES, (1.0, 3.0, 10.0), strict=True)})


def linear(frame: Frame) -> Floats:
    X = np.column_stack([frame.floats(n) for n in NAMES]) / np.array([1.0, 3.0, 10.0])
    return np.asarray(expit(X @ WEIGHTS))


def judged(make_material: Any, world: Any, frame: Frame, score: Score, **params: Any) -> Any:
    sealed = Labelled(frame, np.zeros(frame.n_rows), world.sealed.dataset)
    version = replace(world.version, signature=params.pop("signature", SIGNATURE), threshold=0.5)
    material = make_material(version=version, sealed=sealed, score=score)
    return AdversarialRobustness().evaluate(material, AdversarialRobustnessParams(**params))


def attacked(space: NumericSpace, score: Score, rows: Any) -> Any:
    def decide(frame: Frame) -> Bools:
        return np.asarray(score(frame) >= 0.5)

    return attack(space, rows, decide(space.frame), decide, 0.01, np.random.default_rng(1))


def test_the_attack_finds_the_known_distance_to_a_plane() -> None:
    space = numeric_space(table(), SIGNATURE)
    rows = np.arange(100)
    found = attacked(space, linear, rows).distances
    # Oracle: in units of the columns' own spread, a plane w.z = 0 lies |w.z| / |w| away.
    scaled = WEIGHTS * space.spread / np.array([1.0, 3.0, 10.0])
    exact = np.abs(space.points[rows] @ scaled) / np.linalg.norm(scaled)
    assert (found >= exact - 1e-9).all()
    assert np.median(found / exact) < 1.25


def test_the_attack_keeps_its_promised_budget() -> None:
    space = numeric_space(table(), SIGNATURE)
    assert attacked(space, linear, np.arange(50)).queries <= 50 * queries_per_row(3)


def test_frozen_and_missing_values_are_never_moved(world: Any) -> None:
    frame = world.sealed.frame.select(world.version.signature.names)
    space = numeric_space(frame, world.version.signature)
    rows = np.flatnonzero(frame.missing("balance"))
    moved = space.moved(rows, space.points[rows] + 1.0)
    assert np.isnan(moved["balance"]).all()
    assert (moved["channel"] == frame["channel"][rows]).all()
    assert moved["age"].dtype == frame["age"].dtype


def test_rows_put_back_where_they_were_keep_their_exact_bits() -> None:
    space = numeric_space(table(), SIGNATURE)
    moved = space.moved(np.arange(400), space.points)
    assert all(np.array_equal(moved[n], space.frame[n]) for n in NAMES)


def test_a_smooth_model_passes_and_reports_its_distance_with_an_interval(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, table(), linear)
    assert finding.verdict is Verdict.PASS
    low, high = finding.details["median_interval"]
    assert low < finding.details["median_distance_std"] < high
    assert finding.details["attack_failed"] == 0


def test_a_model_of_thin_stripes_fails(make_material: Any, world: Any) -> None:
    def striped(frame: Frame) -> Floats:
        return np.where(np.floor(frame.floats("a") / 0.004) % 2 == 0, 0.9, 0.1)

    finding = judged(make_material, world, table(), striped)
    assert finding.verdict is Verdict.FAIL
    assert finding.defect is DefectKind.NOT_ROBUST
    assert finding.reasons == ("flipped-by-tiny-moves",)


def test_a_failed_attack_is_not_called_robust(make_material: Any, world: Any) -> None:
    rng = np.random.default_rng(5)
    frame = table().with_column("kind", np.array(rng.choice(["x", "y"], 400).tolist(), dtype=object))
    signature = Signature((*SIGNATURE.inputs, ColumnSpec("kind", DType.BYTES)))
    finding = judged(
        make_material, world, frame, lambda f: np.where(f["kind"] == "x", 0.9, 0.1), signature=signature
    )
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == ("attack-failed",)
    assert finding.details["attack_failed"] == finding.details["attacked"]


@pytest.mark.parametrize(
    ("rows", "score", "params", "reason"),
    [
        (400, lambda f: np.full(f.n_rows, 0.9), {}, "constant-decision"),
        (40, linear, {}, "too-few-rows"),
        (400, linear, {"max_queries": 1000}, "too-few-rows"),
        (400, lambda f: expit(f.floats("a")), {"signature": FLAG}, "no-numeric-input"),
    ],
    ids=["one decision", "few rows", "no budget", "nothing to move"],
)
def test_nothing_to_attack_is_inconclusive(
    make_material: Any, world: Any, rows: int, score: Any, params: Any, reason: str
) -> None:
    finding = judged(make_material, world, table(rows), score, **params)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert reason in finding.reasons


def test_the_verdict_turns_where_wilsons_interval_leaves_the_limit() -> None:
    def bounds(k: int) -> Any:
        return binomtest(k, 200).proportion_ci(0.95, method="wilson")

    limit = 0.15
    passing = max(k for k in range(201) if bounds(k).high <= limit)
    failing = min(k for k in range(201) if bounds(k).low > limit)
    verdicts = [judge(k, 200, limit, 0.95)[0] for k in (passing, passing + 1, failing - 1, failing)]
    assert verdicts == [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.FAIL]


def test_the_same_material_gives_the_same_finding(make_material: Any, world: Any) -> None:
    one, two = (AdversarialRobustness().evaluate(make_material(), PARAMS) for _ in range(2))
    assert one == two
    assert one.verdict is Verdict.PASS
