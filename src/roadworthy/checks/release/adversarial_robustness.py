"""R1 `adversarial-robustness`: decisions do not hang on moves of the input too small to mean anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Material, Score
from roadworthy.checks.release.boundary_attack import Attack, attack, queries_per_row
from roadworthy.checks.release.numeric_space import acts, numeric_space
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.bootstrap import bootstrap
from roadworthy.statistics.frame import Bools, Floats, Frame
from roadworthy.statistics.proportions import wilson


@dataclass(frozen=True)
class AdversarialRobustnessParams(Params):
    """What a tiny move is (standard deviations), how many rows may flip on one, and the attack's budget."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "tiny_std": (1e-6, 1.0),
        "max_tiny_share": (0.0, 1.0),
        "max_failed_share": (0.0, 1.0),
        "rows": (10, 5000),
        "min_rows": (10, 5000),
        "max_queries": (1000, 10_000_000),
        "level": (0.5, 0.999),
    }

    tiny_std: float = 0.01
    max_tiny_share: float = 0.15
    max_failed_share: float = 0.5
    rows: int = 200
    min_rows: int = 50
    max_queries: int = 60_000
    level: float = 0.95


class AdversarialRobustness(Check):
    """At most `max_tiny_share` of decisions can be flipped by moving numeric inputs by `tiny_std` or less.

    Needs:
        version, score, sealed (at least one row per decision). Categories, text and booleans are frozen.

    Parameters:
        tiny_std (standard deviations, L2 over all numeric inputs, default 0.01, 1e-6..1);
        max_tiny_share (share, default 0.15, 0..1); max_failed_share (share, default 0.5, 0..1);
        rows attacked (default 200, 10..5000), at least min_rows (default 50, 10..5000); max_queries (rows scored,
        default 60000, 1000..10000000): the number of attacked rows is cut to fit; level (default 0.95, 0.5..0.999).

    Verdict:
        Own decision-only attack (`boundary_attack.py`): from the nearest opposite-decision sealed rows by bisection
        and a walk towards the original, plus outright moves of length tiny_std. With Wilson's interval of the share
        of successfully attacked rows whose distance is <= tiny_std: fail when low > max_tiny_share, pass when
        high <= max_tiny_share. Either is wrong with probability at most 1 - level. Distances are upper bounds:
        a stronger attack finds shorter ones, so they compare only at equal rows and budget.

    Inconclusive/Error:
        inconclusive when the interval holds the limit, the model decides the same for every row, fewer than
        min_rows rows fit, no numeric input can move, or the attack failed on more than max_failed_share of rows:
        an unflipped row is a failed attack, never robustness.

    Example:
        >>> judge(tiny=0, attacked=200, limit=0.15, level=0.95)[0].value
        'pass'
        >>> judge(tiny=30, attacked=200, limit=0.15, level=0.95)[0].value
        'inconclusive'

    References:
        Brendel, Rauber & Bethge, ICLR 2018; Carlini et al., On Evaluating Adversarial Robustness, 2019,
        arXiv 1902.06705 (a failed attack is not robustness); Wilson 1927.
    """

    id = "adversarial-robustness"
    version = 1
    title = "Tiny moves do not flip decisions"
    step = Step.R1
    needs = ("version", "score", "sealed")
    cost = Cost.FULL_SCAN
    defect = DefectKind.NOT_ROBUST
    params = AdversarialRobustnessParams

    def evaluate(self, material: Material, params: AdversarialRobustnessParams) -> Finding:
        """Attack a sample of sealed rows and judge the distances."""
        version, score, sealed = material.version, material.score, material.sealed
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert score is not None  # noqa: S101 - the runner checked `needs`
        assert sealed is not None  # noqa: S101 - the runner checked `needs`
        space = numeric_space(sealed.frame.select(version.signature.names), version.signature)
        decide = _Decide(score, version)
        decisions = decide(space.frame)
        affordable = params.max_queries // queries_per_row(len(space.names))
        count = min(params.rows, space.frame.n_rows, affordable)
        conditions = {
            "no-numeric-input": not space.names,
            "too-few-rows": count < params.min_rows,
            "constant-decision": bool(decisions.all()) or not decisions.any(),
        }
        obstacles = tuple(code for code, bad in conditions.items() if bad)
        if obstacles:
            message = f"There is nothing to attack: {', '.join(obstacles)}."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=space.frame.n_rows, reasons=obstacles)
        rng = material.rng()
        rows = rng.choice(space.frame.n_rows, count, replace=False)
        found = attack(space, rows, decisions, decide, params.tiny_std, rng)
        return self._judged(found, params, rng)

    def _judged(self, found: Attack, params: AdversarialRobustnessParams, rng: np.random.Generator) -> Finding:
        reached = found.distances[np.isfinite(found.distances)]
        failed = len(found.distances) - len(reached)
        details = _distances(reached, rng, params.level) | {
            "attacked": len(found.distances),
            "attack_failed": failed,
            "queries": found.queries,
        }
        tiny = int((reached <= params.tiny_std * (1.0 + 1e-9)).sum())
        if failed > params.max_failed_share * len(found.distances):
            verdict, interval = Verdict.INCONCLUSIVE, None
            reasons: tuple[str, ...] = ("attack-failed",)
            message = f"The attack failed on {failed} of {len(found.distances)} rows; that is not robustness."
            # Cliffs found nonetheless count, even if every failed row had held.
            if wilson(tiny, len(found.distances), params.level).low > params.max_tiny_share:
                verdict, interval = judge(tiny, len(found.distances), params.max_tiny_share, params.level)
                reasons = ("flipped-by-tiny-moves", "attack-failed")
        else:
            verdict, interval = judge(tiny, len(reached), params.max_tiny_share, params.level)
            reasons = _REASONS[verdict]
            message = (
                f"{tiny} of {len(reached)} decisions flip within {params.tiny_std:g} standard deviations "
                f"(attack failed on {failed} more)."
            )
        return self.finding(
            verdict,
            message,
            statistic=tiny / len(reached) if len(reached) else None,
            interval=interval,
            threshold=params.max_tiny_share,
            unit="share",
            rows=len(found.distances),
            reasons=reasons,
            details=details,
        )


_REASONS: dict[Verdict, tuple[str, ...]] = {
    Verdict.PASS: (),
    Verdict.FAIL: ("flipped-by-tiny-moves",),
    Verdict.INCONCLUSIVE: ("limit-inside-interval",),
}


def judge(tiny: int, attacked: int, limit: float, level: float) -> tuple[Verdict, Interval]:
    """The verdict on `tiny` of `attacked` rows against a limit (share), by Wilson's interval."""
    interval = wilson(tiny, attacked, level)
    if interval.low > limit:
        return Verdict.FAIL, interval
    return (Verdict.PASS if interval.high <= limit else Verdict.INCONCLUSIVE), interval


@dataclass(frozen=True, slots=True)
class _Decide:
    """The model as an attacker sees it: rows in, decisions out."""

    score: Score
    version: ModelVersion

    def __call__(self, frame: Frame) -> Bools:
        return acts(self.score(frame), self.version)


def _distances(reached: Floats, rng: np.random.Generator, level: float) -> dict[str, Any]:
    """Median distance in standard deviations with a bootstrap interval; empty when nothing was reached."""
    if len(reached) < 2:
        return {}
    interval = bootstrap(lambda rows: float(np.median(reached[rows])), len(reached), rng, level=level)
    low, middle, high = (float(q) for q in np.quantile(reached, [0.1, 0.5, 0.9]))
    return {
        "median_distance_std": middle,
        "median_interval": [interval.low, interval.high],
        "distance_std_p10": low,
        "distance_std_p90": high,
    }
