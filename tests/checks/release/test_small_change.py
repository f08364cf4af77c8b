from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from roadworthy.checks.material import Labelled
from roadworthy.checks.release.small_change import SmallChange, SmallChangeParams, far_move
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

N = 1000
SIGNATURE = Signature((ColumnSpec("a", DType.FP64), ColumnSpec("b", DType.FP64)))


def table(rows: int = N) -> Frame:
    rng = np.random.default_rng(0)
    return Frame({"a": rng.normal(size=rows), "b": rng.normal(size=rows)})


def logistic(column: str) -> Any:
    return lambda frame: expit(frame.floats(column))


def judged(make_material: Any, world: Any, score: Any, **overrides: Any) -> Any:
    frame = overrides.pop("frame", table())
    version = replace(world.version, signature=overrides.pop("signature", SIGNATURE), threshold=0.5)
    sealed = Labelled(frame, np.zeros(frame.n_rows), world.sealed.dataset)
    material = make_material(version=version, sealed=sealed, score=score, members=overrides.pop("members", None))
    return SmallChange().evaluate(material, SmallChangeParams(**overrides))


def test_the_flipped_share_is_that_of_a_hand_count(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, logistic("a"))
    a = table().floats("a")
    step = 0.01 * a.std()
    by_hand = np.mean(((a + step) >= 0) != ((a - step) >= 0))
    assert finding.details["flipped_share"]["a"] == pytest.approx(by_hand)
    assert finding.details["flipped_share"]["b"] == 0.0
    assert finding.verdict is Verdict.PASS


def test_the_verdict_turns_where_wilsons_interval_leaves_the_limit(make_material: Any, world: Any) -> None:
    order = np.sort(table().floats("a"))

    def verdict(k: int) -> Verdict:
        # Exactly the k smallest rows lie on a cliff edge that the step crosses.
        edge = (order[k - 1] + order[k]) / 2.0

        def score(frame: Frame) -> Floats:
            a, b = frame.floats("a"), frame.floats("b")
            return np.where((a <= edge) & (np.isin(b, table().floats("b"))), 0.9, 0.1)

        return judged(make_material, world, score, frame=table(), step_std=1e-6).verdict

    def bounds(k: int) -> Any:
        return binomtest(k, N).proportion_ci(1 - 0.05 / 2, method="wilson")

    passing = max(k for k in range(N) if bounds(k).high <= 0.05)
    failing = min(k for k in range(N) if bounds(k).low > 0.05)
    found = [verdict(k) for k in (passing, passing + 1, failing - 1, failing)]
    assert found == [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.FAIL]


def test_a_model_that_hangs_on_the_last_digits_fails_as_unstable(make_material: Any, world: Any) -> None:
    def jagged(frame: Frame) -> Floats:
        return np.where(np.floor(frame.floats("b") * 1000) % 2 == 0, 0.9, 0.1)

    finding = judged(make_material, world, jagged)
    assert finding.defect is DefectKind.UNSTABLE
    assert finding.reasons == ("actions-flip:b",)


def test_an_average_of_members_is_calm_and_a_switch_between_them_is_not(make_material: Any, world: Any) -> None:
    members = {"left": logistic("a"), "right": logistic("b")}

    def average(frame: Frame) -> Floats:
        return (members["left"](frame) + members["right"](frame)) / 2

    def amplified(frame: Frame) -> Floats:
        return np.clip(60 * (members["left"](frame) - 0.5) + 0.5, 0, 1) * 0.4

    calm = judged(make_material, world, average, members=members)
    assert calm.verdict is Verdict.PASS
    assert calm.details["members"]["left"]["whole_moves_p99"] < 0.01
    wild = judged(make_material, world, amplified, members=members, max_whole_move=0.02)
    assert wild.reasons == ("member-moves-whole:left",)


def test_a_member_that_cannot_be_moved_is_inconclusive(make_material: Any, world: Any) -> None:
    members = {"left": logistic("a"), "fixed": lambda f: np.full(f.n_rows, 0.3)}
    finding = judged(make_material, world, logistic("a"), members=members)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == ("member-did-not-move:fixed",)


def test_far_moves_of_a_member_are_not_counted_as_small() -> None:
    whole, member = np.array([0.5, 0.01, 0.2]), np.array([0.06, 0.05, 0.0])
    assert far_move(whole, member, small=0.05) == (0.01, 1)
    assert far_move(whole, np.zeros(3), small=0.05) == (0.0, 0)


def test_whole_numbers_too_coarse_to_move_are_left_out_and_named(make_material: Any, world: Any) -> None:
    finding = SmallChange().evaluate(make_material(), SmallChangeParams())
    assert finding.details["not_moved"] == ["age", "visits"]
    coarse = Signature((ColumnSpec("a", DType.INT64),))
    frame = Frame({"a": np.arange(N) % 5})
    nothing = judged(make_material, world, logistic("a"), frame=frame, signature=coarse)
    assert nothing.reasons == ("no-input-can-move",)


def test_too_few_rows_are_inconclusive(make_material: Any, world: Any) -> None:
    finding = judged(make_material, world, logistic("a"), frame=table(199))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reasons == ("too-few-rows",)
