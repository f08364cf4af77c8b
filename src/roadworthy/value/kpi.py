"""A KPI contract on data: value under the model, under the hold-out's policy, and their paired contrast."""

from __future__ import annotations

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.domain.use_case import Bound, Interval, KpiContract, KpiLimit, KpiResult, LimitResult, Measured
from roadworthy.statistics.frame import Bools, Floats, Frame
from roadworthy.statistics.means import mean_interval
from roadworthy.statistics.proportions import wilson
from roadworthy.value.expression import compile_expression, evaluate


def on_sealed(
    contract: KpiContract, frame: Frame, y: Floats, scores: Floats, threshold: float, level: float = 0.95
) -> KpiResult:
    """The contract on sealed rows, each decided twice: by the model (score >= threshold) and by `holdout_acts`.

    `contrast` is the mean per-row difference with a paired t interval: rows serve as their own control. It takes
    the recorded outcome as given, so it is right where acting does not change the outcome itself (who would buy,
    who would default) and only the value of the action; whether it does shows in production, by the hold-out.

    Args:
        frame: input columns; `y`, `scores` have its length (n_rows,), `y` 1/0 or NaN where unknown.

    Raises:
        ExpressionError: an expression of the contract does not fit these columns.
        DataError: no row has a known value, or lengths differ.
    """
    if not frame.n_rows == len(y) == len(scores):
        raise DataError(
            f"{frame.n_rows} rows, {len(y)} outcomes and {len(scores)} scores do not match",
            remedy="Give one outcome and one score per row.",
        )
    acted = np.asarray(scores >= threshold, dtype=np.bool_)
    under_model = _decided(frame, y, scores, acted, held_out=False)
    always = np.full(frame.n_rows, contract.holdout_acts, dtype=np.bool_)
    under_holdout = _decided(frame, y, scores, always, held_out=True)
    expression = compile_expression(contract.value, frame.names, f"the value of contract '{contract.id}'")
    model, holdout = evaluate(expression, under_model), evaluate(expression, under_holdout)
    if np.isnan(model).all() or np.isnan(holdout).all():
        raise DataError(
            f"the value of contract '{contract.id}' is unknown in all {frame.n_rows} rows",
            remedy="Give rows with outcomes, or correct the expression: NULL means unknown.",
            contract=contract.id,
        )
    limits = tuple(
        LimitResult(limit, _limit(limit, frame, under_model, level))
        for limit in (*contract.guardrails, *contract.unintended)
    )
    return KpiResult(
        contract=contract.id,
        value=measured("value under the model", model, contract.unit, level),
        holdout=measured("value under the hold-out policy", holdout, contract.unit, level),
        contrast=_paired(model - holdout, contract.unit, level),
        limits=limits,
    )


def measured(name: str, values: Floats, unit: str, level: float = 0.95) -> Measured:
    """The mean of the known values with its interval: Wilson's when all are 0 or 1, else Student's t.

    Wilson's, because a t interval around "0 events in 200 rows" has no width and would claim certainty. No interval
    below two known values; with none at all the value is None and n is 0.
    """
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return Measured(name, None, unit, 0)
    interval: Interval | None = None
    if len(known) >= 2:
        shares = bool(np.isin(known, (0.0, 1.0)).all())
        interval = wilson(int(known.sum()), len(known), level) if shares else mean_interval(known, level)
    return Measured(name, float(known.mean()), unit, len(known), interval)


def limit_holds(result: LimitResult) -> bool | None:
    """True when the whole interval is on the allowed side, False when none of it is, None when not known."""
    interval, limit = result.measured.interval, result.limit.limit
    if interval is None or result.measured.n == 0:
        return None
    low, high = interval.low, interval.high
    if result.limit.bound is Bound.AT_MOST:
        low, high, limit = -high, -low, -limit
    if low >= limit:
        return True
    return False if high < limit else None


def _paired(differences: Floats, unit: str, level: float) -> Measured | None:
    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return None
    interval = mean_interval(known, level)
    return Measured("value above the hold-out policy", float(known.mean()), unit, len(known), interval)


def _limit(limit: KpiLimit, frame: Frame, decisions: Frame, level: float) -> Measured:
    expression = compile_expression(limit.expression, frame.names, f"the limit '{limit.name}'")
    return measured(limit.name, evaluate(expression, decisions), limit.unit, level)


def _decided(frame: Frame, y: Floats, scores: Floats, acted: Bools, *, held_out: bool) -> Frame:
    return Frame(
        {
            **frame.columns,
            "score": np.asarray(scores, dtype=np.float64),
            "acted": acted,
            "outcome": np.asarray(y, dtype=np.float64),
            "held_out": np.full(frame.n_rows, held_out, dtype=np.bool_),
        }
    )
