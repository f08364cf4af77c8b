"""The way back: every defect kind has one development step it returns to, and a rule for coming back.

Only work items close the loop: a failing check, an alert or an expiry opens one, and it is closed by passing
the gate it names again, never by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class DevelopmentStep(Enum):
    """Where in development a defect is mended (the phases of CRISP-DM)."""

    BUSINESS_UNDERSTANDING = "business understanding"
    DATA_ACQUISITION = "data acquisition"
    DATA_PREPARATION = "data understanding and preparation"
    MODELLING = "modelling and analysis"
    EVALUATION = "evaluation"


class DefectKind(Enum):
    """What is wrong, in the words the way back is chosen by."""

    KPI_NOT_MET = "kpi-not-met"
    UNINTENDED_OUTCOME = "unintended-outcome"
    BUSINESS_DRIFT = "business-drift"
    DATA_DRIFT = "data-drift"
    DATA_QUALITY = "data-quality"
    LEAKAGE = "leakage"
    PROVENANCE = "provenance"
    WEAK_MODEL = "weak-model"
    OVERFIT = "overfit"
    MISCALIBRATED = "miscalibrated"
    UNSTABLE = "unstable"
    BEHAVIOUR = "behaviour"
    NOT_INTERPRETABLE = "not-interpretable"
    UNFAIR = "unfair"
    NOT_REPRODUCIBLE = "not-reproducible"
    MATHEMATICAL_DRIFT = "mathematical-drift"
    UNSAFE_ARTIFACT = "unsafe-artifact"
    NOT_ROBUST = "not-robust"
    CONTRACT_MISMATCH = "contract-mismatch"
    SERVING_FAILURE = "serving-failure"
    OPERATIONS_GAP = "operations-gap"


_D, _K = DevelopmentStep, DefectKind

WAY_BACK: dict[DefectKind, DevelopmentStep] = {
    _K.KPI_NOT_MET: _D.BUSINESS_UNDERSTANDING,
    _K.UNINTENDED_OUTCOME: _D.BUSINESS_UNDERSTANDING,
    _K.BUSINESS_DRIFT: _D.BUSINESS_UNDERSTANDING,
    _K.DATA_DRIFT: _D.DATA_ACQUISITION,
    _K.DATA_QUALITY: _D.DATA_ACQUISITION,
    _K.PROVENANCE: _D.DATA_ACQUISITION,
    _K.LEAKAGE: _D.DATA_PREPARATION,
    _K.CONTRACT_MISMATCH: _D.DATA_PREPARATION,
    _K.WEAK_MODEL: _D.MODELLING,
    _K.OVERFIT: _D.MODELLING,
    _K.MISCALIBRATED: _D.MODELLING,
    _K.UNSTABLE: _D.MODELLING,
    _K.BEHAVIOUR: _D.MODELLING,
    _K.NOT_INTERPRETABLE: _D.MODELLING,
    _K.UNFAIR: _D.MODELLING,
    _K.MATHEMATICAL_DRIFT: _D.MODELLING,
    _K.NOT_ROBUST: _D.MODELLING,
    _K.SERVING_FAILURE: _D.MODELLING,
    _K.NOT_REPRODUCIBLE: _D.EVALUATION,
    _K.UNSAFE_ARTIFACT: _D.EVALUATION,
    _K.OPERATIONS_GAP: _D.EVALUATION,
}


class WorkItemState(Enum):
    """Whether the defect is still to be mended."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One defect on its way back to a named development step.

    `source` says what found it (a finding's check id, a signal's monitor, `rollout`), `re_entry` names the gate
    that must be passed again, `closed_by` the gate run that did.
    """

    id: str
    version: str
    use_case: str
    defect: DefectKind
    step: DevelopmentStep
    source: str
    summary: str
    re_entry: str
    opened_at: datetime
    state: WorkItemState = WorkItemState.OPEN
    assignee: str = ""
    closed_by: str = ""
    closed_at: datetime | None = None
