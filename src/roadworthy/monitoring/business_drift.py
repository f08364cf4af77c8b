"""Business drift: has the world the model was agreed for moved? Base rate and KPI per unit, hold-out included.

A KPI that rises is drift too: targets, thresholds and the hold-out's action were agreed for another world. The
hold-out's own movement says how much of it has nothing to do with the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.frame import Bools, Floats
from roadworthy.statistics.means import difference as mean_difference
from roadworthy.statistics.proportions import difference


@dataclass(frozen=True)
class BusinessDriftParams(DetectorParams):
    """How far the business may move before the contract is looked at again.

    Attributes:
        max_shift: of the base rate, in share points (0..1).
        max_ratio: of the base rate to the reference's, up or down (1 upwards); small rates move by factors.
        max_kpi_shift: of the KPI per unit, in standard deviations of the reference's values.
        min_rows: known outcomes (values) on each side below which nothing is said.
        level: of the intervals (0..1).
    """

    RANGES: ClassVar = {
        "max_shift": (0.0, 1.0),
        "max_ratio": (1.0, 1e6),
        "max_kpi_shift": (0.0, 1e6),
        "min_rows": (30, 1e9),
        "level": (0.5, 0.9999),
    }

    max_shift: float = 0.05
    max_ratio: float = 2.0
    max_kpi_shift: float = 0.5
    min_rows: int = 100
    level: float = 0.95


def base_rate(
    y_reference: Floats, y: Floats, params: BusinessDriftParams | None = None, *, subject: str = "base rate"
) -> Signal:
    """The movement of the rate of events (Newcombe's interval) from the reference to the window.

    FAIL when the interval excludes 0 and the shift is over `max_shift` or the ratio over `max_ratio`; WARN at half
    of either; else PASS. INCONCLUSIVE below `min_rows` known outcomes. Outcomes 1/0, NaN where unknown, (n_rows,).
    """
    settings = params or BusinessDriftParams()
    before, now = y_reference[~np.isnan(y_reference)], y[~np.isnan(y)]
    if min(len(before), len(now)) < settings.min_rows:
        return _too_few(subject, min(len(before), len(now)), settings)
    shift, interval = difference(int(now.sum()), len(now), int(before.sum()), len(before), settings.level)
    rates = float(before.mean()), float(now.mean())
    ratio = max(rates) / min(rates) if min(rates) > 0.0 else np.inf
    size = max(abs(shift) / max(settings.max_shift, 1e-12), (ratio - 1.0) / max(settings.max_ratio - 1.0, 1e-12))
    verdict = _verdict(interval, size)
    message = f"{subject} {_moved(rates)} from {rates[0]:.1%} to {rates[1]:.1%}"
    details = {"before": rates[0], "after": rates[1]}
    return _signal(subject, verdict, message, (shift, interval, settings.max_shift, "share"), len(now), details)


def kpi_per_unit(
    values_reference: Floats, values: Floats, unit: str, params: BusinessDriftParams | None = None
) -> Signal:
    """The movement of the KPI's mean (Welch's interval); values in `unit`, NaN where unknown, shape (n_rows,).

    FAIL when the interval excludes 0 and the shift exceeds `max_kpi_shift` standard deviations of the reference,
    WARN at half of that, INCONCLUSIVE below `min_rows` known values.
    """
    settings = params or BusinessDriftParams()
    before, now = values_reference[~np.isnan(values_reference)], values[~np.isnan(values)]
    if min(len(before), len(now)) < settings.min_rows:
        return _too_few("kpi per unit", min(len(before), len(now)), settings)
    shift, interval = mean_difference(now, before, settings.level)
    limit = settings.max_kpi_shift * float(np.std(before, ddof=1))
    levels = float(before.mean()), float(now.mean())
    verdict = _verdict(interval, abs(shift) / limit if limit > 0.0 else np.inf if shift else 0.0)
    message = f"KPI per unit {_moved(levels)} from {levels[0]:.4g} to {levels[1]:.4g} {unit}"
    details = {"before": levels[0], "after": levels[1]}
    return _signal("kpi per unit", verdict, message, (shift, interval, limit, unit), len(now), details)


def detect(
    y_reference: Floats, y: Floats, held_out: Bools, params: BusinessDriftParams | None = None
) -> tuple[Signal, ...]:
    """The base rate's movement, and that of held-out units alone if there are any (against the same reference)."""
    signals = (base_rate(y_reference, y, params),)
    if not held_out.any():
        return signals
    return (*signals, base_rate(y_reference, y[held_out], params, subject="hold-out base rate"))


def _verdict(interval: Interval, size: float) -> Verdict:
    """`size`: the movement in units of what is allowed."""
    if interval.low <= 0.0 <= interval.high or size <= 0.5:
        return Verdict.PASS
    return Verdict.FAIL if size > 1.0 else Verdict.WARN


def _moved(levels: tuple[float, float]) -> str:
    return "rose" if levels[1] > levels[0] else "fell" if levels[1] < levels[0] else "stayed"


def _too_few(subject: str, rows: int, params: BusinessDriftParams) -> Signal:
    message = f"{subject}: {rows} known outcomes are too few (needed: {params.min_rows})"
    return Signal("business-drift", SignalKind.BUSINESS_DRIFT, subject, Verdict.INCONCLUSIVE, message, rows=rows)


def _signal(
    subject: str,
    verdict: Verdict,
    message: str,
    measured: tuple[float, Interval, float, str],
    rows: int,
    details: dict[str, float],
) -> Signal:
    shift, interval, threshold, unit = measured
    return Signal(
        monitor="business-drift",
        kind=SignalKind.BUSINESS_DRIFT,
        subject=subject,
        verdict=verdict,
        message=message,
        statistic=shift,
        interval=interval,
        threshold=threshold,
        unit=unit,
        rows=rows,
        defect=DefectKind.BUSINESS_DRIFT if verdict in (Verdict.FAIL, Verdict.WARN) else None,
        details=dict(details),
    )
