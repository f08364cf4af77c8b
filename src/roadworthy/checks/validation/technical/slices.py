"""V2: no declared segment is served much worse than the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import (
    all_of,
    apart,
    at_least,
    groups,
    named,
    scores_of,
    shared_level,
    too_few,
)
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval, RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.statistics.ranking import auc, auc_interval


@dataclass(frozen=True)
class SlicesParams(Params):
    """`max_drop`: AUC a segment may lie below the rest; `max_unjudged`: share of rows in segments too small."""

    max_drop: float = 0.10
    level: float = 0.95
    min_rows: int = 100
    min_events: int = 20
    max_unjudged: float = 0.05
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_drop": (0.0, 0.5),
        "level": (0.5, 0.999),
        "min_rows": (10, 1e9),
        "min_events": (2, 1e9),
        "max_unjudged": (0.0, 1.0),
    }


@dataclass(frozen=True)
class _Slice:
    """One group of one segment column; `gap` = its AUC minus that of all other rows."""

    name: str
    rows: int
    auc: float
    gap: float
    interval: Interval
    rate: float
    mean_score: float


class Slices(Check):
    """In every declared segment the model ranks no more than `max_drop` AUC worse than in the rest of the rows.

    Needs:
        `sealed`, `score`, `version`, `use_case` (its `segments`).

    Parameters:
        `max_drop` (AUC, 0.10, 0..0.5); `level` (share, 0.95, 0.5..0.999) of all intervals together; `min_rows`
        (100) and `min_events` (20 of the rarer class) to judge a group; `max_unjudged` (share of a column's rows,
        0.05, 0..1) that may sit in groups too small to judge. A numeric segment column of more than ten values is
        cut into quarters.

    Verdict:
        for each group, the interval of AUC(group) - AUC(all other rows) from both DeLong intervals, Bonferroni over
        all groups of all columns; pass when every lower limit >= -max_drop; fail when an upper limit < -max_drop.
        Any even model is failed with probability <= (1 - level) / 2. Groups too small are named, not judged.

    Inconclusive/Error:
        inconclusive when no segment is declared (unless the risk tier is low, where that is accepted), a segment
        column is absent, more than `max_unjudged` of the rows cannot be judged, or an interval lies across the
        bound; error when the model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = Slices().evaluate(material(), SlicesParams())
        >>> found.verdict.value, [row["slice"] for row in found.details["slices"]]
        ('pass', ['group=a', 'group=b'])

    References:
        DeLong, DeLong & Clarke-Pearson 1988; Newcombe 1998 (hybrid intervals of differences).
    """

    id = "slices"
    title = "No declared segment is served much worse"
    step = Step.V2
    needs = ("sealed", "score", "version", "use_case")
    defect = DefectKind.WEAK_MODEL
    params = SlicesParams

    def evaluate(self, material: Material, params: SlicesParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version, use_case = material.sealed, material.score, material.version, material.use_case
        assert sealed and score and version and use_case  # noqa: S101, PT018 - the runner saw to the needs
        if not use_case.segments:
            accepted = use_case.risk_tier is RiskTier.LOW
            return self.finding(
                Verdict.PASS if accepted else Verdict.INCONCLUSIVE,
                "The use case declares no segments" + (", which a low risk tier accepts." if accepted else "."),
                reasons=("none-declared",),
            )
        absent = [c for c in use_case.segments if c not in sealed.frame]
        if absent:
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"The sealed data lack the segment columns {named(absent)}.",
                reasons=tuple(f"column-missing:{c}" for c in absent),
            )
        scores = scores_of(score, sealed.frame, version)
        judged, small, reasons = _split(sealed, use_case.segments, params)
        level = shared_level(params.level, len(judged))
        found = [_measure(name, mask, sealed.y, scores, level) for name, mask in judged.items()]
        return self._judged(found, small, reasons, params, sealed.frame.n_rows)

    def _judged(
        self, found: list[_Slice], small: tuple[str, ...], reasons: tuple[str, ...], params: SlicesParams, rows: int
    ) -> Finding:
        verdicts = [at_least(s.interval, -params.max_drop) for s in found]
        verdict = all_of([*verdicts, *(Verdict.INCONCLUSIVE for _ in reasons)])
        if not found:
            message = "No group of the declared segments is large enough to judge."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=rows, reasons=(*reasons, *small))
        low = min(found, key=lambda s: s.gap)
        codes = {Verdict.FAIL: "worse", Verdict.INCONCLUSIVE: "not-proven"}
        shown = [f"{codes[v]}:{s.name}" for s, v in zip(found, verdicts, strict=True) if v in codes]
        return self.finding(
            verdict,
            f"The worst segment is {low.name}: AUC {low.auc:.3f}, {low.gap:+.3f} against the rest "
            f"({low.interval.low:+.3f} to {low.interval.high:+.3f}); allowed is {-params.max_drop:+.3f}.",
            statistic=low.gap,
            interval=low.interval,
            threshold=-params.max_drop,
            unit="AUC",
            rows=rows,
            reasons=(*shown, *reasons, *small),
            details={"slices": [_facts(s) for s in found[:50]]},
        )


def _split(
    sealed: Labelled, columns: tuple[str, ...], params: SlicesParams
) -> tuple[dict[str, Bools], tuple[str, ...], tuple[str, ...]]:
    """(groups to judge, codes of groups too small, codes of columns with too many rows in such groups)."""
    judged: dict[str, Bools] = {}
    small: list[str] = []
    reasons: list[str] = []
    for column in columns:
        unjudged = 0
        for name, mask in _of_column(sealed, column):
            if too_few(sealed.y[mask], params.min_rows, params.min_events) or too_few(sealed.y[~mask], 2, 2):
                small.append(f"too-small:{name}")
                unjudged += int(mask.sum())
            else:
                judged[name] = mask
        if unjudged > params.max_unjudged * sealed.frame.n_rows or sealed.frame.n_rows == 0:
            reasons.append(f"unjudged:{column}")
    return judged, tuple(small[:20]), tuple(reasons)


def _of_column(sealed: Labelled, column: str) -> Iterator[tuple[str, Bools]]:
    for group, mask in groups(sealed.frame, column).items():
        yield f"{column}={group}", mask


def _measure(name: str, mask: Bools, y: Floats, scores: Floats, level: float) -> _Slice:
    inside = (auc(y[mask], scores[mask]), auc_interval(y[mask], scores[mask], level))
    outside = (auc(y[~mask], scores[~mask]), auc_interval(y[~mask], scores[~mask], level))
    gap = inside[0] - outside[0]
    interval = apart(gap, inside, outside)
    return _Slice(
        name, int(mask.sum()), inside[0], gap, interval, float(y[mask].mean()), float(scores[mask].mean())
    )


def _facts(found: _Slice) -> dict[str, Any]:
    return {
        "slice": found.name,
        "rows": found.rows,
        "auc": found.auc,
        "gap": found.gap,
        "low": found.interval.low,
        "high": found.interval.high,
        "rate": found.rate,
        "mean_score": found.mean_score,
    }
