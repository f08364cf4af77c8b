"""V2: the sealed rows have not been looked at so often that their figures no longer mean anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.checks.validation.judging import scores_of, too_few
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.ranking import auc, auc_interval
from roadworthy.statistics.reuse import log_models


@dataclass(frozen=True)
class SealedReuseParams(Params):
    """`max_looks`: of one lineage at one sealed data set; `bits`: what one look tells; `min_gain`: the claim."""

    max_looks: int = 10
    bits: float = 10.0
    min_gain: float = 0.05
    level: float = 0.95
    min_rows: int = 200
    min_events: int = 25
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_looks": (1, 1e6),
        "bits": (1.0, 1e3),
        "min_gain": (0.0, 0.5),
        "level": (0.5, 0.999),
        "min_rows": (10, 1e9),
        "min_events": (2, 1e9),
    }


class SealedReuse(Check):
    """However often its lineage has looked at the sealed rows, the model still ranks them better than by chance.

    Needs:
        `sealed`, `score`, `version`, `looks` (those of the version's lineage at these rows, this run's included).

    Parameters:
        `max_looks` (looks, 10, 1..1e6); `bits` (bits, 10, 1..1e3) that one look tells: 10 are one figure of three
        digits; `min_gain` (AUC, 0.05, 0..0.5) above 0.5, the claim that must survive; `level` (share, 0.95,
        0.5..0.999); `min_rows` (200) and `min_events` (25 rows of the rarer class).

    Verdict:
        pass at the first look. At a later one, with the DeLong interval that holds for every model an analyst may
        have arrived at who learns at most `bits` bits from a look, whatever they do with them: warn when its lower
        limit >= 0.5 + min_gain (overfit); fail when it is not although a first look's would be, or with more than
        max_looks looks (overfit). The lower limit lies above the truth with probability <= (1 - level) / 2, as far
        as DeLong's approximation, with Student's quantile, reaches into its tail. A gate prints more than one
        figure: who steers by all of them learns more, and the interval is then too narrow. Rows are taken as
        independent.

    Inconclusive/Error:
        inconclusive with too few rows or events, or when not even a first look's interval would hold the claim;
        error when the model answers no number in 0..1.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = SealedReuse().evaluate(material(), SealedReuseParams())
        >>> found.verdict.value, found.details["looks"]
        ('pass', 1)

    References:
        Dwork et al. 2015, Generalization in Adaptive Data Analysis and Holdout Reuse; Blum & Hardt 2015, The Ladder;
        DeLong, DeLong & Clarke-Pearson 1988.
    """

    id = "sealed-reuse"
    title = "The sealed rows were not worn out by looking"
    step = Step.V2
    needs = ("sealed", "score", "version", "looks")
    defect = DefectKind.OVERFIT
    params = SealedReuseParams

    def evaluate(self, material: Material, params: SealedReuseParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version, seen = material.sealed, material.score, material.version, material.looks
        assert sealed and score and version and seen  # noqa: S101, PT018 - the runner saw to the needs
        rows, looks = len(sealed.y), len(seen)
        reasons = too_few(sealed.y, params.min_rows, params.min_events)
        if reasons:
            message = f"{rows} sealed rows do not hold enough rows of both classes to say what a look costs."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=rows, reasons=reasons)
        scores = scores_of(score, sealed.frame, version)
        value, claim = auc(sealed.y, scores), 0.5 + params.min_gain
        first = auc_interval(sealed.y, scores, params.level)
        now = auc_interval(sealed.y, scores, params.level, log_models(looks, params.bits))
        verdict, reasons = _judged(first.low, now.low, claim, looks, params.max_looks)
        return self.finding(
            verdict,
            _sentence(looks, value, now.low, claim, reasons),
            statistic=value,
            interval=now,
            threshold=claim,
            unit="AUC",
            rows=rows,
            reasons=reasons,
            details={
                "looks": looks,
                "max_looks": params.max_looks,
                "low_at_a_first_look": first.low,
                "versions": [look.version for look in seen[-20:]],
            },
        )


def _judged(first: float, now: float, claim: float, looks: int, most: int) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict from the lower limits at a first look and at this one."""
    if looks > most:
        return Verdict.FAIL, ("too-many-looks",)
    if looks == 1:
        return Verdict.PASS, ()
    if now >= claim:
        return Verdict.WARN, ("looked-again",)
    if first >= claim:
        return Verdict.FAIL, ("worn-out",)
    return Verdict.INCONCLUSIVE, ("not-proven-at-a-first-look",)


def _sentence(looks: int, value: float, low: float, claim: float, reasons: tuple[str, ...]) -> str:
    if not reasons:
        return f"This lineage looks at these sealed rows for the first time: AUC {value:.3f} is what it says."
    said = (
        f"Look {looks} of this lineage at these sealed rows. Whoever mends a model after a look fits it to the rows "
        f"looked at, so AUC {value:.3f} may flatter; after {looks} looks it proves {low:.3f}, "
    )
    ending = {
        "looked-again": f"still at least {claim:.3f}; new sealed rows would say it better.",
        "worn-out": f"no longer at least {claim:.3f}: seal new rows.",
        "too-many-looks": "and counts no more, since that is more looks than the playbook allows: seal new rows.",
        "not-proven-at-a-first-look": f"and at a first look it would not have proven {claim:.3f} either.",
    }
    return said + ending[reasons[0]]
