"""`review`: every detector over one window of decisions, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring import business_drift, cbpe, data_drift, data_quality, performance
from roadworthy.monitoring.business_drift import BusinessDriftParams
from roadworthy.monitoring.cbpe import CbpeParams
from roadworthy.monitoring.data_drift import DataDriftParams
from roadworthy.monitoring.data_quality import DataQualityParams
from roadworthy.monitoring.performance import PerformanceParams
from roadworthy.monitoring.profile import profile
from roadworthy.monitoring.reference import Reference, build_reference
from roadworthy.statistics.calibration import expected_calibration_error
from roadworthy.statistics.frame import Bools, Floats, Frame
from roadworthy.statistics.ranking import auc


@dataclass(frozen=True)
class ReviewParams:
    """The parameters of every detector, and the threshold that turns a score into an action."""

    threshold: float = 0.5
    drift: DataDriftParams = field(default_factory=DataDriftParams)
    quality: DataQualityParams = field(default_factory=DataQualityParams)
    performance: PerformanceParams = field(default_factory=PerformanceParams)
    estimate: CbpeParams = field(default_factory=CbpeParams)
    business: BusinessDriftParams = field(default_factory=BusinessDriftParams)


@dataclass(frozen=True)
class ReviewWindow:
    """A window of decisions beside the reference the model was validated on.

    Attributes:
        reference, inputs: input columns, (n_reference,) and (n_rows,) each.
        reference_scores, scores: in 0..1, NaN where the model gave no answer.
        reference_y, y: outcomes 1/0, NaN where unknown.
        held_out: True where the unit was decided without the model, (n_rows,).
        due: False for decisions too young to have an outcome, or None: all are due.
        delay_days: decision to outcome, NaN where none, or None.
        expected_rows: how many decisions such a window should have, or None.
        values_reference, values: KPI per unit in `unit`, NaN where unknown, or None.
    """

    reference: Frame
    reference_scores: Floats
    reference_y: Floats
    inputs: Frame
    scores: Floats
    y: Floats
    held_out: Bools
    due: Bools | None = None
    delay_days: Floats | None = None
    expected_rows: float | None = None
    values_reference: Floats | None = None
    values: Floats | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        sides = (
            ("reference", self.reference.n_rows, (self.reference_scores, self.reference_y, self.values_reference)),
            (
                "window",
                self.inputs.n_rows,
                (self.scores, self.y, self.held_out, self.due, self.delay_days, self.values),
            ),
        )
        for side, n, arrays in sides:
            lengths = {len(a) for a in arrays if a is not None}
            if lengths - {n}:
                raise DataError(
                    f"the {side} has {n} rows but arrays of {sorted(lengths)}",
                    remedy="Give one score, outcome and arm per row.",
                )

    @cached_property
    def bins(self) -> Reference:
        """The reference's bins, built once."""
        return build_reference(self.reference, self.reference_scores)


def review(window: ReviewWindow, params: ReviewParams | None = None) -> tuple[Signal, ...]:
    """All signals of a window, in the order data, score, performance, estimate, business.

    Performance is judged on the model's own due units and on held-out ones that have a score; the reference AUC is
    that of the reference rows, so give rows the model was not trained on.
    """
    settings = params or ReviewParams()
    # Outcomes that came early are left out: in a young window mostly one class has arrived.
    y = window.y if window.due is None else np.where(window.due, window.y, np.nan)
    current = profile(window.bins, window.inputs, window.scores)
    signals = [
        *data_quality.detect(window.bins, current, settings.quality, expected_rows=window.expected_rows),
        *data_drift.detect(window.bins, current, settings.drift),
        *_performance(window, y, settings),
        performance.coverage(window.y, settings.performance, due=window.due, delay_days=window.delay_days),
        cbpe.detect(
            window.reference_y, window.reference_scores, window.scores, settings.threshold, settings.estimate
        ),
        *business_drift.detect(window.reference_y, y, window.held_out, settings.business),
    ]
    if window.values_reference is not None and window.values is not None:
        signals.append(
            business_drift.kpi_per_unit(window.values_reference, window.values, window.unit, settings.business)
        )
    return tuple(signals)


def _performance(window: ReviewWindow, y: Floats, params: ReviewParams) -> tuple[Signal, ...]:
    known = ~np.isnan(window.reference_y) & ~np.isnan(window.reference_scores)
    outcomes, answers = window.reference_y[known], window.reference_scores[known]
    if len(outcomes) == 0 or outcomes.min() == outcomes.max():
        message = "the reference lacks outcomes of both classes: there is nothing to compare with"
        return (
            Signal("performance", SignalKind.MATHEMATICAL_DRIFT, "auc", Verdict.INCONCLUSIVE, message, rows=len(y)),
        )
    area, error = auc(outcomes, answers), expected_calibration_error(outcomes, answers, 10)
    return performance.detect(area, y, window.scores, params.performance, reference_ece=error)
