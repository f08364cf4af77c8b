"""R6 `small-change`: a small change in one input, or in one member, does not move the whole far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Material, Score
from roadworthy.checks.release.numeric_space import NumericSpace, acts, numeric_space
from roadworthy.checks.validation.judging import checked
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.statistics.proportions import wilson

_NO_MOVE = 1e-12


@dataclass(frozen=True)
class SmallChangeParams(Params):
    """How small a change is, and how far the whole may move on it."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "step_std": (1e-6, 1.0),
        "max_flipped_share": (0.0, 1.0),
        "member_move": (1e-6, 1.0),
        "max_whole_move": (0.0, 1.0),
        "min_trials": (10, 100_000),
        "rows": (30, 100_000),
        "min_rows": (30, 100_000),
        "level": (0.5, 0.9999),
    }

    step_std: float = 0.01
    max_flipped_share: float = 0.05
    member_move: float = 0.05
    max_whole_move: float = 0.1
    min_trials: int = 30
    rows: int = 2000
    min_rows: int = 200
    level: float = 0.95


class SmallChange(Check):
    """Moving one numeric input by 1 % of its spread flips few actions, nor does a member move the whole.

    Needs:
        version, score (the whole), sealed. members (name -> score) where the version is a composition; without them
        the single version is the composition.

    Parameters:
        step_std (standard deviations of the input, default 0.01, 1e-6..1);
        max_flipped_share (share of rows, default 0.05, 0..1);
        member_move (score, default 0.05, 1e-6..1): what counts as a small change of a member;
        max_whole_move (score, default 0.1, 0..1): 99th percentile of the whole's move allowed on it;
        min_trials (default 30, 10..100000) small changes of a member needed; rows (default 2000, 30..100000), at
        least min_rows (default 200, 30..100000); level (default 0.95, 0.5..0.9999), shared by all inputs.

    Verdict:
        For each of the p movable inputs a row counts as flipped when a step up or down changes its action. With
        Wilson's interval at level 1 - (1 - level)/p: fail when some input's low > max_flipped_share, pass when
        every input's high <= max_flipped_share; wrong with probability at most 1 - level over all inputs together
        (Bonferroni). With members, also fail when for some member the 99th percentile of |whole's move| exceeds
        max_whole_move, over the trials in which that member moved most, and by no more than member_move.

    Inconclusive/Error:
        inconclusive when neither holds, fewer than min_rows rows are given, no numeric input can move by so little
        (whole-number columns with a spread below 50 cannot, at the default step), or no member moved in at least
        min_trials trials.

    Example:
        >>> whole, member = np.array([0.0, 0.01, 0.30]), np.array([0.00, 0.01, 0.02])
        >>> round(far_move(whole, member, small=0.05)[0], 4), far_move(whole, member, small=0.05)[1]
        (0.2971, 2)

    References:
        Sculley et al., Hidden Technical Debt in Machine Learning Systems, NIPS 2015 ("changing anything changes
        everything"); Wilson 1927.
    """

    id = "small-change"
    version = 1
    title = "A small change stays small"
    step = Step.R6
    needs = ("version", "score", "sealed")
    cost = Cost.FULL_SCAN
    defect = DefectKind.UNSTABLE
    params = SmallChangeParams

    def evaluate(self, material: Material, params: SmallChangeParams) -> Finding:
        """Move every numeric input a little, one at a time."""
        version, score, sealed = material.version, material.score, material.sealed
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert score is not None  # noqa: S101 - the runner checked `needs`
        assert sealed is not None  # noqa: S101 - the runner checked `needs`
        space = numeric_space(sealed.frame.select(version.signature.names), version.signature)
        n = space.frame.n_rows
        chosen = material.rng().choice(n, params.rows, replace=False) if n > params.rows else np.arange(n)
        moves = _moves(space, chosen, params.step_std)
        conditions = {"too-few-rows": len(chosen) < params.min_rows, "no-input-can-move": not moves}
        obstacles = tuple(code for code, bad in conditions.items() if bad)
        if obstacles:
            message = f"No small change could be made: {', '.join(obstacles)}."
            return self.finding(Verdict.INCONCLUSIVE, message, rows=len(chosen), reasons=obstacles)
        trials = _trials(space, moves, chosen, score, material.members or {})
        frozen = [name for name in space.names if name not in moves]
        return self._judged(trials, version, params, frozen)

    def _judged(
        self, trials: Trials, version: ModelVersion, params: SmallChangeParams, frozen: list[str]
    ) -> Finding:
        level = 1.0 - (1.0 - params.level) / len(trials.flat)
        flipped = {name: _flipped(trials, name, version) for name in trials.flat}
        rows = len(trials.before)
        intervals = {name: wilson(int(f.sum()), rows, level) for name, f in flipped.items()}
        worst = max(intervals, key=lambda name: intervals[name].high)
        verdict, reasons = _by_interval(intervals, params.max_flipped_share)
        members = {name: _member(trials, name, params) for name in trials.members}
        far = tuple(f"member-moves-whole:{n}" for n, m in members.items() if m["verdict"] == "fail")
        still = tuple(f"member-did-not-move:{n}" for n, m in members.items() if m["verdict"] == "inconclusive")
        if far:
            verdict = Verdict.FAIL
        elif still and verdict is Verdict.PASS:
            verdict = Verdict.INCONCLUSIVE
        share = float(flipped[worst].mean())
        return self.finding(
            verdict,
            f"{params.step_std:.2%} of a standard deviation of '{worst}' flips {share:.2%} of actions"
            + (f"; {', '.join(far + still)}." if far or still else "."),
            statistic=share,
            interval=intervals[worst],
            threshold=params.max_flipped_share,
            unit="share of actions",
            rows=rows,
            reasons=(*reasons, *far, *still),
            details={
                "flipped_share": {name: float(f.mean()) for name, f in flipped.items()},
                "not_moved": frozen,
                "members": members,
            },
        )


@dataclass(frozen=True, slots=True)
class Trials:
    """Scores before, (n_rows,), and after each move, (2, n_rows) per input: step up, step down."""

    before: Floats
    flat: Mapping[str, Floats]
    members: Mapping[str, tuple[Floats, Mapping[str, Floats]]]


def far_move(whole: Floats, member: Floats, small: float) -> tuple[float, int]:
    """99th percentile of |whole's move| where the member moved by more than nothing and at most `small`, and on
    how many trials that rests; (0, 0) where it never did. Both shaped (n_trials,).
    """
    counted = (np.abs(member) > _NO_MOVE) & (np.abs(member) <= small)
    if not counted.any():
        return 0.0, 0
    return float(np.quantile(np.abs(whole[counted]), 0.99)), int(counted.sum())


def _moves(space: NumericSpace, chosen: Any, step: float) -> dict[str, Floats]:
    """Per input that can move by so little: points after a step up and down, (2, n_rows, p)."""
    here, out = space.points[chosen], {}
    for j, name in enumerate(space.names):
        # Rounding to whole numbers must not make the step larger than it is meant to be.
        if space.whole[j] and step * space.spread[j] < 0.5:
            continue
        both = np.stack([here, here])
        both[0, :, j] += step
        both[1, :, j] -= step
        out[name] = np.stack([space.settle(both[0]), space.settle(both[1])])
    return out


def _trials(
    space: NumericSpace, moves: dict[str, Floats], chosen: Any, score: Score, members: Mapping[str, Score]
) -> Trials:
    still = space.frame.take(chosen)
    after: dict[str, Floats] = {}
    theirs: dict[str, tuple[Floats, dict[str, Floats]]] = {
        name: (checked(call(still), still.n_rows), {}) for name, call in members.items()
    }
    for name, points in moves.items():
        frames = [space.moved(chosen, side) for side in points]
        after[name] = np.stack([checked(score(f), f.n_rows) for f in frames])
        for member, call in members.items():
            theirs[member][1][name] = np.stack([checked(call(f), f.n_rows) for f in frames])
    return Trials(checked(score(still), still.n_rows), after, theirs)


def _flipped(trials: Trials, name: str, version: ModelVersion) -> Bools:
    before = acts(trials.before, version)
    changed: Bools = (acts(trials.flat[name], version) != before).any(axis=0)
    return changed


def _by_interval(intervals: Mapping[str, Interval], limit: float) -> tuple[Verdict, tuple[str, ...]]:
    over = tuple(f"actions-flip:{name}" for name, i in intervals.items() if i.low > limit)
    if over:
        return Verdict.FAIL, over
    if all(i.high <= limit for i in intervals.values()):
        return Verdict.PASS, ()
    return Verdict.INCONCLUSIVE, ("limit-inside-interval",)


def _member(trials: Trials, name: str, params: SmallChangeParams) -> dict[str, Any]:
    """What the whole does on this member's small moves, over trials in which no other member moved more."""
    shifts = {m: _shift(before, after) for m, (before, after) in trials.members.items()}
    largest = np.max(np.abs(np.stack(list(shifts.values()))), axis=0)
    leading = np.abs(shifts[name]) >= largest
    whole = _shift(trials.before, trials.flat)
    move, count = far_move(whole[leading], shifts[name][leading], params.member_move)
    if count < params.min_trials:
        return {"verdict": Verdict.INCONCLUSIVE.value, "trials": count}
    verdict = Verdict.FAIL if move > params.max_whole_move else Verdict.PASS
    return {"verdict": verdict.value, "trials": count, "whole_moves_p99": move, "limit": params.max_whole_move}


def _shift(before: Floats, after: Mapping[str, Floats]) -> Floats:
    return np.concatenate([(a - before).ravel() for a in after.values()])
