"""V8: training again gives the same model, and other dice give one as good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import all_of, scores_of, too_few
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats
from roadworthy.statistics.ranking import auc


@dataclass(frozen=True)
class ReproducibleParams(Params):
    """`tolerance`: score difference between trainings; `max_spread`: AUC between other seeds' models."""

    training_seed: int = 0
    tolerance: float = 1e-6
    seeds: int = 3
    max_spread: float = 0.02
    min_rows: int = 100
    min_events: int = 25
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "training_seed": (0, 2**32 - 1),
        "tolerance": (0.0, 0.1),
        "seeds": (1, 20),
        "max_spread": (0.0, 0.5),
        "min_rows": (2, 1e9),
        "min_events": (1, 1e9),
    }


class Reproducible(Check):
    """Re-running the training entry point gives the registered scores, and other seeds give an equally good model.

    Needs:
        `retrain` (the version's training entry point), `sealed`, `score`, `version`.

    Parameters:
        `training_seed` (0), the seed the registered version was trained with; `tolerance` (score, 1e-6, 0..0.1);
        `seeds` (3, 1..20) further seeds, training_seed + 1 onwards; `max_spread` (AUC, 0.02, 0..0.5) between the
        best and the worst of all seeds; `min_rows` (100) and `min_events` (25 of the rarer class) to compare AUCs.

    Verdict:
        on all sealed rows, fail (not-reproducible) when two trainings with training_seed differ by more than
        tolerance in any score, or the first differs so from the registered version; fail (unstable) when max AUC -
        min AUC over seeds > max_spread; pass otherwise. Exact comparisons; the spread is a range over few seeds and
        can only understate.

    Inconclusive/Error:
        inconclusive without a training entry point, or with too few rows or events to compare AUCs; error when
        training raises or a model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import logistic, material
        >>> Reproducible().evaluate(material(), ReproducibleParams()).verdict.value
        'pass'
        >>> squared = lambda seed: lambda frame: logistic(frame) ** 2
        >>> Reproducible().evaluate(material(retrain=squared), ReproducibleParams()).reasons
        ('differs-from-registered',)

    References:
        Pineau et al. 2021, JMLR 22 (reproducibility); Bouthillier et al., MLSys 2021 (variance over seeds).
    """

    id = "reproducible"
    title = "Training again gives the same model"
    step = Step.V8
    needs = ("retrain", "sealed", "score", "version")
    cost = Cost.TRAINS
    defect = DefectKind.NOT_REPRODUCIBLE
    params = ReproducibleParams

    def evaluate(self, material: Material, params: ReproducibleParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version, retrain = material.sealed, material.score, material.version, material.retrain
        assert sealed and score and version and retrain  # noqa: S101, PT018 - the runner saw to the needs
        rows, start = sealed.frame.n_rows, int(params.training_seed)
        if rows < params.min_rows:
            message = f"{rows} sealed rows are too few to compare two models."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=rows, reasons=("too-few-rows",))
        registered = scores_of(score, sealed.frame, version)
        first = scores_of(retrain(start), sealed.frame, version)
        second = scores_of(retrain(start), sealed.frame, version)
        apart = {
            "not-deterministic": _farthest(first, second),
            "differs-from-registered": _farthest(first, registered),
        }
        odd = tuple(code for code, far in apart.items() if far > params.tolerance)
        others = [scores_of(retrain(start + i + 1), sealed.frame, version) for i in range(int(params.seeds))]
        areas = _areas(sealed, [first, *others], params)
        spread = max(areas) - min(areas) if areas else None
        parts = [Verdict.FAIL if odd else Verdict.PASS, _by_spread(spread, params)]
        words = {Verdict.FAIL: ("spread-too-large",), Verdict.INCONCLUSIVE: ("spread-not-measurable",)}
        told = "not measurable" if spread is None else f"{spread:.4f}"
        return self.finding(
            all_of(parts),
            f"Trained again, scores differ by up to {max(apart.values()):.3g} (allowed {params.tolerance:g}); "
            f"AUC over {len(others) + 1} seeds spreads by {told} (allowed {params.max_spread:g}).",
            statistic=max(apart.values()),
            threshold=params.tolerance,
            unit="score",
            rows=rows,
            reasons=(*odd, *words.get(parts[1], ())),
            defect=None if odd else DefectKind.UNSTABLE,
            details={"largest_difference": apart, "auc_by_seed": areas, "auc_spread": spread},
        )


def _farthest(a: Floats, b: Floats) -> float:
    return float(np.max(np.abs(a - b)))


def _areas(sealed: Labelled, all_scores: list[Floats], params: ReproducibleParams) -> list[float]:
    """AUC per seed; empty when the labels cannot carry one."""
    if too_few(sealed.y, int(params.min_rows), int(params.min_events)):
        return []
    return [auc(sealed.y, scores) for scores in all_scores]


def _by_spread(spread: float | None, params: ReproducibleParams) -> Verdict:
    if spread is None:
        return Verdict.INCONCLUSIVE
    return Verdict.FAIL if spread > params.max_spread else Verdict.PASS
