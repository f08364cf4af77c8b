"""R1 `membership-inference`: the model's answers do not tell who was in the training data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Labelled, Material, Score
from roadworthy.domain.errors import DataError
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.bootstrap import bootstrap
from roadworthy.statistics.frame import Array, Bools, Floats
from roadworthy.statistics.ranking import auc

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class MembershipInferenceParams(Params):
    """`max_auc`: largest allowed attack AUC (0.5 = blind); rows taken from each side, and the interval's level."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_auc": (0.5, 1.0),
        "rows": (100, 100_000),
        "min_rows": (50, 100_000),
        "min_per_class": (10, 10_000),
        "draws": (100, 5000),
        "level": (0.5, 0.999),
    }

    max_auc: float = 0.6
    rows: int = 2000
    min_rows: int = 200
    min_per_class: int = 30
    draws: int = 200
    level: float = 0.95


class MembershipInference(Check):
    """Guessing by the loss which of two people of the same class was trained on succeeds with AUC <= `max_auc`.

    Needs:
        version, score, train (members), sealed (non-members), both with answers.

    Parameters:
        max_auc (probability, default 0.6, 0.5..1); rows per side (default 2000, 100..100000), at least min_rows
        (default 200, 50..100000), min_per_class rows of a class on each side (default 30, 10..10000);
        draws (default 200, 100..5000); level (default 0.95, 0.5..0.999).

    Verdict:
        One fixed attack: the lower a row's log loss, the likelier it is called a member. Its AUC is taken within
        each class (so that another base rate in the sealed data is not mistaken for memory) and averaged by the
        members' class shares, with a percentile bootstrap interval: fail when low > max_auc, pass when
        high <= max_auc. Either is wrong with probability about (1 - level)/2. Inputs that drifted between train and
        sealed data raise the AUC too: read a failure beside the drift findings.

    Inconclusive/Error:
        inconclusive when the interval holds the limit, or a side has fewer than min_rows rows, or no class has
        min_per_class rows on both sides; error when a score is outside 0..1 or missing.

    Example:
        >>> y = np.array([1.0, 1.0, 0.0, 0.0])
        >>> np.round(losses(y, np.array([0.5, 1.0, 0.5, 0.0])), 3).tolist()
        [0.693, 0.0, 0.693, 0.0]

    References:
        Yeom et al., Privacy Risk in Machine Learning, IEEE CSF 2018 (loss threshold attack);
        Carlini et al., Membership Inference Attacks From First Principles, IEEE S&P 2022 (its limits).
    """

    id = "membership-inference"
    version = 1
    title = "Answers do not reveal who was trained on"
    step = Step.R1
    needs = ("version", "score", "train", "sealed")
    cost = Cost.FULL_SCAN
    defect = DefectKind.OVERFIT
    params = MembershipInferenceParams

    def evaluate(self, material: Material, params: MembershipInferenceParams) -> Finding:
        """Attack once, with the attack that was fixed beforehand."""
        version, score, train, sealed = material.version, material.score, material.train, material.sealed
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert score is not None  # noqa: S101 - the runner checked `needs`
        assert train is not None  # noqa: S101 - the runner checked `needs`
        assert sealed is not None  # noqa: S101 - the runner checked `needs`
        rng = material.rng()
        sides = [_sample(side, version.signature.names, score, params.rows, rng) for side in (train, sealed)]
        y = np.concatenate([side[0] for side in sides])
        member = np.concatenate([np.ones(len(sides[0][0])), np.zeros(len(sides[1][0]))]) == 1.0
        smallest = min(len(side[0]) for side in sides)
        usable = classes(y, member, params.min_per_class)
        if smallest < params.min_rows or not usable:
            reason = "too-few-rows" if smallest < params.min_rows else "too-few-rows-per-class"
            message = f"{smallest} rows on the smaller side cannot tell memory from chance."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=len(y), reasons=(reason,))
        statistic = _statistic(y, member, np.concatenate([side[1] for side in sides]), usable)
        found = statistic(np.arange(len(y)))
        interval = bootstrap(statistic, len(y), rng, params.draws, params.level)
        if interval.low > params.max_auc:
            verdict, reason = Verdict.FAIL, "members-recognisable"
        elif interval.high <= params.max_auc:
            verdict, reason = Verdict.PASS, ""
        else:
            verdict, reason = Verdict.INCONCLUSIVE, "limit-inside-interval"
        message = (
            f"The loss attack tells members apart with AUC {found:.3f} "
            f"({interval.low:.3f} to {interval.high:.3f}); 0.5 is blind, {params.max_auc:g} allowed."
        )
        return self.finding(
            verdict,
            message,
            statistic=found,
            interval=interval,
            threshold=params.max_auc,
            unit="AUC",
            rows=len(y),
            reasons=(reason,) if reason else (),
            details={
                "members": int(member.sum()),
                "non_members": int((~member).sum()),
                "classes": [int(c) for c in usable],
                "attack": "log loss below a threshold, within class",
            },
        )


def losses(y: Floats, scores: Floats) -> Floats:
    """Log loss per row in nats, (n_rows,), with probabilities kept one float epsilon away from 0 and 1.

    Raises:
        DataError: a score is missing or outside 0..1.
    """
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise DataError("a score is missing or outside 0 to 1", remedy="The model must answer a probability.")
    eps = float(np.finfo(np.float64).eps)
    kept = np.clip(scores, eps, 1.0 - eps)
    found: Floats = -np.where(y == 1.0, np.log(kept), np.log1p(-kept))
    return found


def classes(y: Floats, member: Bools, least: int) -> tuple[float, ...]:
    """The classes with at least `least` rows on both sides."""
    return tuple(
        c for c in (0.0, 1.0) if min(int((member & (y == c)).sum()), int((~member & (y == c)).sum())) >= least
    )


def within_class_auc(y: Array, member: Array, loss: Array, usable: tuple[float, ...]) -> float:
    """AUC of `-loss` for membership within each usable class, averaged by the members' class shares.

    Raises:
        DataError: a class has rows on one side only.
    """
    weights = [float((member & (y == c)).sum()) for c in usable]
    areas = [auc(member[y == c].astype(np.float64), -loss[y == c]) for c in usable]
    return math.fsum(w * a for w, a in zip(weights, areas, strict=True)) / math.fsum(weights)


def _statistic(y: Array, member: Array, loss: Array, usable: tuple[float, ...]) -> Callable[[Indices], float]:
    return lambda rows: within_class_auc(y[rows], member[rows], loss[rows], usable)


def _sample(
    side: Labelled, inputs: tuple[str, ...], score: Score, rows: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Answers and losses of at most `rows` rows drawn without replacement."""
    n = side.frame.n_rows
    chosen = rng.choice(n, rows, replace=False) if n > rows else np.arange(n)
    y = side.y[chosen]
    scores = np.asarray(score(side.frame.select(inputs).take(chosen)), dtype=np.float64)
    return y, losses(y, scores)
