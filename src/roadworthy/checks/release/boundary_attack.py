"""A decision-only attack on tabular rows: how near is the nearest input with the opposite decision?

Not a check: the attack `adversarial-robustness` judges by. It sees decisions only (no gradients, no scores), starts
from real rows with the opposite decision and walks towards the attacked row; what it finds is an upper bound of
the true distance.

Reference: Brendel, Rauber & Bethge, Decision-Based Adversarial Attacks, ICLR 2018 (walk along the boundary).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roadworthy.checks.release.numeric_space import NumericSpace, Rows
from roadworthy.statistics.frame import Bools, Floats, Frame

Decide = Callable[[Frame], Bools]

STARTS = 24
_HALVINGS = 14
_WALK = 40
_RANDOM_PROBES = 16
_POOL = 2000


@dataclass(frozen=True, slots=True)
class Attack:
    """What the attack found.

    Attributes:
        distances: L2 distance in standard deviations to the nearest opposite decision found, shape (m,); NaN where
            no start flipped the decision: the attack failed there, which says nothing about robustness.
        queries: rows scored.
    """

    distances: Floats
    queries: int


def queries_per_row(columns: int) -> int:
    """How many rows the attack scores for one attacked row with this many movable columns."""
    return STARTS + 2 * _HALVINGS + 2 * columns + _WALK + 2 * columns + _RANDOM_PROBES


def attack(
    space: NumericSpace, rows: Rows, decisions: Bools, decide: Decide, tiny: float, rng: np.random.Generator
) -> Attack:
    """Attack `rows` (m,) of the space; `decisions` (n_rows,) are those of all its rows.

    `tiny` (standard deviations) is the radius at which single columns and random directions are tried outright:
    a model with cliffs flips there although the way to the next opposite row is long.
    """
    hunt = _Hunt(space, rows, decisions, decide, rng)
    found = hunt.starts()
    alive: Bools = np.asarray(np.isfinite(found).all(axis=1), dtype=np.bool_)
    found[alive] = hunt.halve(found[alive], alive)
    found[alive] = hunt.drop_columns(found[alive], alive)
    found[alive] = hunt.walk(found[alive], alive)
    found[alive] = hunt.halve(found[alive], alive)
    distances = np.where(alive, np.linalg.norm(np.nan_to_num(found - hunt.origin), axis=1), np.nan)
    near = hunt.probe(tiny)
    return Attack(np.fmin(distances, near), hunt.queries)


class _Hunt:
    """The state of one attack: origins (m, p) with missing values held in place, and a count of rows scored."""

    def __init__(
        self, space: NumericSpace, rows: Rows, decisions: Bools, decide: Decide, rng: np.random.Generator
    ) -> None:
        self.space, self.rows, self.rng = space, rows, rng
        self._decisions, self._decide = decisions, decide
        self.held = np.isnan(space.points[rows])
        self.low, self.high = np.nanmin(space.points, axis=0), np.nanmax(space.points, axis=0)
        self.origin = np.where(self.held, self.low, space.points[rows])
        self.before = decisions[rows]
        self.queries = 0

    def flips(self, which: Rows, points: Floats) -> Bools:
        """Whether the rows at positions `which` (k,) decide differently at `points` (k, p)."""
        if len(which) == 0:
            return np.zeros(0, dtype=np.bool_)
        self.queries += len(which)
        after = self._decide(self.space.moved(self.rows[which], points))
        return np.asarray(after != self.before[which], dtype=np.bool_)

    def starts(self) -> Floats:
        """Per row the nearest starting point that flips its decision, (m, p); NaN where none does."""
        best = np.full(self.origin.shape, np.nan)
        for side in (False, True):
            attacked = np.flatnonzero(self.before == side)
            pool = np.flatnonzero(self._decisions != side)
            if len(attacked) == 0 or len(pool) == 0:
                continue
            if len(pool) > _POOL:
                pool = self.rng.choice(pool, _POOL, replace=False)
            candidates = np.stack([self._nearest(int(i), pool) for i in attacked])
            which = np.repeat(attacked, candidates.shape[1])
            flat = candidates.reshape(-1, candidates.shape[2])
            flipped = self.flips(which, flat).reshape(candidates.shape[:2])
            length = np.linalg.norm(candidates - self.origin[attacked][:, None, :], axis=2)
            length = np.where(flipped, length, np.inf)
            nearest = length.argmin(axis=1)
            works = np.isfinite(length.min(axis=1))
            best[attacked[works]] = candidates[works, nearest[works]]
        return best

    def _nearest(self, i: int, pool: Rows) -> Floats:
        """Starts for row i, (k, p): the nearest opposite rows, and some farther ones in case those do not flip."""
        theirs = self.space.points[pool]
        # A start takes the other row's numbers only: where either value is missing the original stays.
        points = np.where(np.isnan(theirs) | self.held[i], self.origin[i], theirs)
        order = np.argsort(np.linalg.norm(points - self.origin[i], axis=1), kind="stable")
        near = order[: 2 * STARTS // 3]
        rest = order[len(near) :]
        far = self.rng.choice(rest, min(STARTS - len(near), len(rest)), replace=False) if len(rest) else rest
        chosen: Floats = points[np.concatenate([near, far])]
        return chosen

    def halve(self, found: Floats, alive: Bools) -> Floats:
        """The last point that still flips on the straight line to the origin, by bisection."""
        which = np.flatnonzero(alive)
        origin = self.origin[which]
        best, stays, flips = found.copy(), np.zeros(len(which)), np.ones(len(which))
        for _ in range(_HALVINGS):
            middle = (stays + flips) / 2.0
            trial = self.space.settle(origin + middle[:, None] * (found - origin))
            good = self.flips(which, trial)
            flips, stays = np.where(good, middle, flips), np.where(good, stays, middle)
            best[good] = trial[good]
        return best

    def drop_columns(self, found: Floats, alive: Bools) -> Floats:
        """Columns put back to their original value as long as the decision stays flipped.

        Largest move first leaves many small moves, smallest first leaves few large ones: the shorter result counts.
        """
        origin = self.origin[alive]
        sizes = np.abs(found - origin)
        ends = [self._drop(found, alive, np.argsort(key, axis=1, kind="stable")) for key in (-sizes, sizes)]
        lengths = [np.linalg.norm(end - origin, axis=1) for end in ends]
        return np.where((lengths[0] <= lengths[1])[:, None], ends[0], ends[1])

    def _drop(self, found: Floats, alive: Bools, order: Rows) -> Floats:
        which = np.flatnonzero(alive)
        origin, best = self.origin[which], found.copy()
        everyone = np.arange(len(which))
        for k in range(order.shape[1]):
            trial = best.copy()
            trial[everyone, order[:, k]] = origin[everyone, order[:, k]]
            good = self.flips(which, trial)
            best[good] = trial[good]
        return best

    def walk(self, found: Floats, alive: Bools) -> Floats:
        """Random steps along the boundary that bring the point nearer to the origin and keep it flipped."""
        which = np.flatnonzero(alive)
        origin, best = self.origin[which], found.copy()
        reach = np.linalg.norm(best - origin, axis=1)
        for k in range(_WALK):
            wide = 0.5 if k % 2 == 0 else 0.15
            noise = self.rng.standard_normal(best.shape) * ~self.held[which]
            noise *= wide * reach[:, None] / np.maximum(np.linalg.norm(noise, axis=1, keepdims=True), 1e-12)
            arrow = best + noise - origin
            length = np.maximum(np.linalg.norm(arrow, axis=1), 1e-12)
            trial = origin + arrow * (0.95 * reach / length)[:, None]
            trial = self.space.settle(np.clip(trial, self.low, self.high))
            nearer = np.linalg.norm(trial - origin, axis=1) < reach
            good = self.flips(which, trial) & nearer
            best[good] = trial[good]
            reach[good] = np.linalg.norm(trial[good] - origin[good], axis=1)
        return best

    def probe(self, tiny: float) -> Floats:
        """Shortest move of length <= `tiny` that flips, (m,): each column both ways, then random directions."""
        m, p = self.origin.shape
        axes = np.concatenate([np.eye(p), -np.eye(p)])
        shortest = np.full(m, np.nan)
        for k in range(2 * p + _RANDOM_PROBES):
            if k < 2 * p:
                step = np.broadcast_to(axes[k], (m, p))
            else:
                step = self.rng.standard_normal((m, p))
                step = step / np.linalg.norm(step, axis=1, keepdims=True)
            trial = self.space.settle(np.clip(self.origin + tiny * step * ~self.held, self.low, self.high))
            length = np.linalg.norm(trial - self.origin, axis=1)
            which = np.flatnonzero((length > 0.0) & (length <= tiny * (1.0 + 1e-9)))
            flipped = which[self.flips(which, trial[which])]
            shortest[flipped] = np.fmin(shortest[flipped], length[flipped])
        return shortest
