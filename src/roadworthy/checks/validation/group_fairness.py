"""V5: groups of people are selected, and found, at similar rates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from scipy.special import ndtri

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import all_of, groups, named, scores_of, shared_level, within
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval, RiskTier
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Bools
from roadworthy.statistics.proportions import difference


@dataclass(frozen=True)
class GroupFairnessParams(Params):
    """`min_ratio`: lower selection rate over the higher; `max_tpr_gap`: difference of recall between groups."""

    min_ratio: float = 0.80
    max_tpr_gap: float = 0.10
    level: float = 0.95
    min_group: int = 100
    min_positives: int = 30
    max_unjudged: float = 0.05
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "min_ratio": (0.01, 1.0),
        "max_tpr_gap": (0.0, 1.0),
        "level": (0.5, 0.999),
        "min_group": (10, 1e9),
        "min_positives": (5, 1e9),
        "max_unjudged": (0.0, 1.0),
    }


@dataclass(frozen=True)
class _Group:
    """Counts of one group: rows, selected rows, positives, positives found."""

    name: str
    rows: int
    selected: int
    positives: int
    found: int


@dataclass(frozen=True)
class _Pair:
    """Two groups compared: selection-rate ratio and recall difference, each with its interval and verdict."""

    name: str
    ratio: float
    ratio_interval: Interval
    gap: float
    gap_interval: Interval
    verdicts: tuple[Verdict, Verdict]


class GroupFairness(Check):
    """Between any two groups of a sensitive attribute, selection rates and recall differ within declared limits.

    Needs:
        `sealed`, `score`, `version` (its threshold selects), `use_case` (its `sensitive` columns, which need not be
        inputs of the model).

    Parameters:
        `min_ratio` (0.80, 0.01..1), the lower selection rate over the higher; `max_tpr_gap` (share, 0.10, 0..1)
        between recalls; `level` (share, 0.95) of all intervals together; `min_group` (rows, 100) and
        `min_positives` (30) to judge a group; `max_unjudged` (share of a column's rows, 0.05, 0..1) in groups too
        small. A numeric attribute of more than ten values is cut into quarters.

    Verdict:
        for every pair of groups, Bonferroni over pairs and both measures: pass when the ratio's interval (log
        scale, 0.5 added to each count) lies in min_ratio..1/min_ratio and the recall difference's (Newcombe) in
        -max_tpr_gap..max_tpr_gap; fail when one lies wholly outside. A fair model is failed with probability <= 1 -
        level over all pairs.

    Inconclusive/Error:
        inconclusive when no sensitive attribute is declared (a low risk tier accepts that), a declared column is
        absent, fewer than two groups are large enough, more than `max_unjudged` of the rows cannot be judged, or an
        interval lies across a bound; error when the model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = GroupFairness().evaluate(material(), GroupFairnessParams())
        >>> found.verdict.value, [row["group"] for row in found.details["groups"]]
        ('pass', ['group=a', 'group=b'])

    References:
        Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D (four-fifths rule); Hardt, Price &
        Srebro, NeurIPS 2016 (equal opportunity); Walter 1975, Biometrika 62 (log ratio with 0.5); Newcombe 1998.
    """

    id = "group-fairness"
    title = "Groups are treated alike"
    step = Step.V5
    needs = ("sealed", "score", "version", "use_case")
    defect = DefectKind.UNFAIR
    params = GroupFairnessParams

    def evaluate(self, material: Material, params: GroupFairnessParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version, use_case = material.sealed, material.score, material.version, material.use_case
        assert sealed and score and version and use_case  # noqa: S101, PT018 - the runner saw to the needs
        if not use_case.sensitive:
            accepted = use_case.risk_tier is RiskTier.LOW
            return self.finding(
                Verdict.PASS if accepted else Verdict.INCONCLUSIVE,
                "The use case declares no sensitive attributes"
                + (", which a low risk tier accepts." if accepted else "."),
                reasons=("none-declared",),
            )
        absent = [c for c in use_case.sensitive if c not in sealed.frame]
        if absent:
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"The sealed data lack the sensitive columns {named(absent)}.",
                reasons=tuple(f"column-missing:{c}" for c in absent),
            )
        selected = scores_of(score, sealed.frame, version) >= version.threshold
        judged = {c: [g for g in _groups(sealed, c, selected) if _large(g, params)] for c in use_case.sensitive}
        reasons = [f"unjudged:{c}" for c in judged if _unjudged(judged[c], sealed.frame.n_rows, params)]
        together = [(a, b) for found in judged.values() for a, b in combinations(found, 2)]
        level = shared_level(params.level, 2 * len(together))
        pairs = [_compared(a, b, params, level) for a, b in together]
        return self._judged(pairs, [g for found in judged.values() for g in found], reasons, params)

    def _judged(
        self, pairs: list[_Pair], found: list[_Group], reasons: list[str], params: GroupFairnessParams
    ) -> Finding:
        verdict = all_of([*(v for p in pairs for v in p.verdicts), *(Verdict.INCONCLUSIVE for _ in reasons)])
        details = {"groups": [_facts(g) for g in found[:50]], "pairs": [_pair_facts(p) for p in pairs[:50]]}
        if not pairs:
            message = "Fewer than two groups are large enough to compare."
            return self.finding(
                Verdict.INCONCLUSIVE, message, reasons=(*reasons, "too-few-groups"), details=details
            )
        odd = min(pairs, key=lambda p: min(p.ratio, 1.0 / p.ratio))
        far = max(pairs, key=lambda p: abs(p.gap))
        words = {Verdict.FAIL: "unequal", Verdict.INCONCLUSIVE: "not-proven"}
        codes = [
            f"{measure}-{words[v]}:{p.name}"
            for p in pairs
            for measure, v in zip(("selection", "recall"), p.verdicts, strict=True)
            if v in words
        ]
        return self.finding(
            verdict,
            f"Selection rates of {odd.name} have the ratio {odd.ratio:.2f} ({odd.ratio_interval.low:.2f} to "
            f"{odd.ratio_interval.high:.2f}; allowed from {params.min_ratio:g}); recall of {far.name} differs by "
            f"{far.gap:+.3f} (allowed {params.max_tpr_gap:g}).",
            statistic=odd.ratio,
            interval=odd.ratio_interval,
            threshold=params.min_ratio,
            unit="ratio of selection rates",
            rows=sum({g.name: g.rows for g in found}.values()),
            reasons=(*codes[:20], *reasons),
            details=details,
        )


def rate_ratio(k1: int, n1: int, k2: int, n2: int, level: float) -> tuple[float, Interval]:
    """(k1/n1) / (k2/n2) and its interval on the log scale; 0.5 on every count keeps a count of 0 from breaking it.

    Reference: Walter 1975, Biometrika 62.
    """
    log = math.log((k1 + 0.5) / (n1 + 0.5)) - math.log((k2 + 0.5) / (n2 + 0.5))
    variance = 1 / (k1 + 0.5) - 1 / (n1 + 0.5) + 1 / (k2 + 0.5) - 1 / (n2 + 0.5)
    half = float(ndtri(0.5 + level / 2.0)) * math.sqrt(variance)
    return math.exp(log), Interval(math.exp(log - half), math.exp(log + half), level)


def _groups(sealed: Labelled, column: str, selected: Bools) -> Iterator[_Group]:
    positive = sealed.y == 1.0
    for name, mask in groups(sealed.frame, column).items():
        yield _Group(
            f"{column}={name}",
            int(mask.sum()),
            int((mask & selected).sum()),
            int((mask & positive).sum()),
            int((mask & positive & selected).sum()),
        )


def _large(group: _Group, params: GroupFairnessParams) -> bool:
    return group.rows >= params.min_group and group.positives >= params.min_positives


def _unjudged(judged: list[_Group], rows: int, params: GroupFairnessParams) -> bool:
    return len(judged) < 2 or rows - sum(g.rows for g in judged) > params.max_unjudged * rows


def _compared(a: _Group, b: _Group, params: GroupFairnessParams, level: float) -> _Pair:
    ratio, around = rate_ratio(a.selected, a.rows, b.selected, b.rows, level)
    gap, between = difference(a.found, a.positives, b.found, b.positives, level)
    verdicts = (
        within(around, params.min_ratio, 1.0 / params.min_ratio),
        within(between, -params.max_tpr_gap, params.max_tpr_gap),
    )
    return _Pair(f"{a.name} against {b.name.partition('=')[2]}", ratio, around, gap, between, verdicts)


def _facts(group: _Group) -> dict[str, Any]:
    return {
        "group": group.name,
        "rows": group.rows,
        "selection_rate": group.selected / group.rows,
        "positives": group.positives,
        "recall": group.found / group.positives,
    }


def _pair_facts(pair: _Pair) -> dict[str, Any]:
    return {
        "pair": pair.name,
        "ratio": pair.ratio,
        "ratio_low": pair.ratio_interval.low,
        "ratio_high": pair.ratio_interval.high,
        "tpr_gap": pair.gap,
        "tpr_gap_low": pair.gap_interval.low,
        "tpr_gap_high": pair.gap_interval.high,
        "verdicts": [v.value for v in pair.verdicts],
    }
