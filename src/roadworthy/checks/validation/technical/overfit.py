"""V2: the model is about as good on rows it has not seen as on those it learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.checks.validation.judging import apart, at_most, scores_of, too_few
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.ranking import auc, auc_interval


@dataclass(frozen=True)
class OverfitParams(Params):
    """`max_gap`: AUC that may be lost from training to sealed rows."""

    max_gap: float = 0.10
    level: float = 0.95
    min_rows: int = 200
    min_events: int = 25
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_gap": (0.0, 0.5),
        "level": (0.5, 0.999),
        "min_rows": (10, 1e9),
        "min_events": (2, 1e9),
    }


class Overfit(Check):
    """AUC on the training rows exceeds AUC on the sealed rows by no more than `max_gap`.

    Needs:
        `train`, `sealed`, `score`, `version`.

    Parameters:
        `max_gap` (AUC, 0.10, 0..0.5); `level` (share, 0.95, 0.5..0.999); `min_rows` (200) and `min_events` (25 of
        the rarer class) on either side.

    Verdict:
        the interval of AUC(train) - AUC(sealed) joins both DeLong intervals (distances to their limits add in
        squares); pass when its upper limit <= max_gap, fail when its lower limit > max_gap; either error has
        probability <= (1 - level) / 2. A gap says that the model memorised or that the world moved between both
        sets: either way its training figures must not be believed.

    Inconclusive/Error:
        inconclusive with too few rows or events or one class on a side, or an interval across the bound; error when
        the model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = Overfit().evaluate(material(), OverfitParams())
        >>> found.verdict.value, abs(found.statistic) < 0.03
        ('pass', True)

    References:
        DeLong, DeLong & Clarke-Pearson 1988; Zou & Donner 2008, Statistics in Medicine 27.
    """

    id = "overfit"
    title = "As good on sealed rows as on training rows"
    step = Step.V2
    needs = ("train", "sealed", "score", "version")
    defect = DefectKind.OVERFIT
    params = OverfitParams

    def evaluate(self, material: Material, params: OverfitParams) -> Finding:
        """Judge the claim; see the class."""
        train, sealed, score, version = material.train, material.sealed, material.score, material.version
        assert train and sealed and score and version  # noqa: S101, PT018 - the runner saw to the needs
        reasons = tuple(
            f"{why}:{name}"
            for name, data in (("train", train), ("sealed", sealed))
            for why in too_few(data.y, params.min_rows, params.min_events)
        )
        if reasons:
            message = "There are too few rows of both classes to compare training with sealed data."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=sealed.frame.n_rows, reasons=reasons)
        seen_scores, new_scores = scores_of(score, train.frame, version), scores_of(score, sealed.frame, version)
        seen = (auc(train.y, seen_scores), auc_interval(train.y, seen_scores, params.level))
        new = (auc(sealed.y, new_scores), auc_interval(sealed.y, new_scores, params.level))
        gap = seen[0] - new[0]
        interval = apart(gap, seen, new)
        verdict = at_most(interval, params.max_gap)
        codes = {Verdict.FAIL: ("gap-too-large",), Verdict.INCONCLUSIVE: ("gap-not-proven",)}
        return self.finding(
            verdict,
            f"AUC is {seen[0]:.3f} on training and {new[0]:.3f} on sealed rows: a gap of {gap:.3f} "
            f"({interval.low:.3f} to {interval.high:.3f}), allowed is {params.max_gap:g}.",
            statistic=gap,
            interval=interval,
            threshold=params.max_gap,
            unit="AUC",
            rows=sealed.frame.n_rows,
            reasons=codes.get(verdict, ()),
            details={"auc_train": seen[0], "auc_sealed": new[0], "rows_train": train.frame.n_rows},
        )
