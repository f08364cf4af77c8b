"""The way back: every defect kind has one development step it returns to, and a rule for coming back.

Only work items close the loop: a failing check, an alert or an expiry opens one, and it is closed by passing
before the judge that opened it, never by hand: a check that failed must pass, a monitor must have become quiet on
live traffic, a validator who rejected must approve.
"""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class ReEntry:
    """How a version whose defect was mended comes back.

    `gate` is the gate a defect found outside any gate (by a monitor, a rollout) must pass again; a defect a gate
    found must pass that gate. `again` names the steps that are measured anew whatever was known (`("*",)` = all); a
    finding of any other step may be taken over when nothing it rests on has changed. `same_version` says whether
    the version itself may come back, or only a successor.
    """

    gate: str
    again: tuple[str, ...]
    same_version: bool
    why: str


_ALL = ("*",)
_NEW_DATA = "The training data were at fault: what they taught is in the artifact, so a new one is trained."
_NEW_MODEL = "The fault is in the artifact, and an artifact never changes: a successor is trained."

RE_ENTRY: dict[DefectKind, ReEntry] = {
    _K.KPI_NOT_MET: ReEntry(
        "validation",
        ("V1", "V2"),
        same_version=True,
        why="The owner may agree a new contract; the same model is judged under it on sealed rows nobody has seen.",
    ),
    _K.UNINTENDED_OUTCOME: ReEntry(
        "validation",
        ("V1", "V5"),
        same_version=True,
        why="Limits may be agreed anew; the same model is judged under them on sealed rows nobody has seen.",
    ),
    _K.BUSINESS_DRIFT: ReEntry(
        "validation",
        ("V1", "R7", "A7"),
        same_version=True,
        why="The business moved, not the model: under a new contract, on new sealed rows, it may still be right.",
    ),
    _K.DATA_DRIFT: ReEntry("validation", _ALL, same_version=False, why=_NEW_DATA),
    _K.DATA_QUALITY: ReEntry("validation", _ALL, same_version=False, why=_NEW_DATA),
    _K.PROVENANCE: ReEntry("validation", _ALL, same_version=False, why=_NEW_DATA),
    _K.LEAKAGE: ReEntry(
        "validation",
        _ALL,
        same_version=False,
        why="Every figure of a model that knew the answer is void, so nothing is taken over.",
    ),
    _K.CONTRACT_MISMATCH: ReEntry(
        "release",
        ("V7", "R3", "R4", "R5"),
        same_version=True,
        why="The endpoint or its caller may be mended and the model left alone; what never met the endpoint stands.",
    ),
    _K.WEAK_MODEL: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.OVERFIT: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.MISCALIBRATED: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.UNSTABLE: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.BEHAVIOUR: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.NOT_INTERPRETABLE: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.UNFAIR: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.MATHEMATICAL_DRIFT: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.NOT_ROBUST: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.SERVING_FAILURE: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.NOT_REPRODUCIBLE: ReEntry(
        "validation",
        _ALL,
        same_version=False,
        why="The training code and its environment are recorded with the version: mending them makes another one.",
    ),
    _K.UNSAFE_ARTIFACT: ReEntry("validation", _ALL, same_version=False, why=_NEW_MODEL),
    _K.OPERATIONS_GAP: ReEntry(
        "validation",
        ("V9", "A1", "A2", "A3", "A4", "A5", "A6"),
        same_version=True,
        why="People, run books and monitors were missing, not a better model: what measured the model stands.",
    ),
}
"""Defect kind -> how its version comes back. Step names are those of `domain/gate.py: Step`."""


def may_reuse(defects: Iterable[DefectKind], step: str) -> bool:
    """Whether an earlier finding of a step may be taken over while these defects are being mended.

    Only about the rule: that nothing the finding rests on has changed is for the caller to see to.

    Example:
        >>> may_reuse([DefectKind.OPERATIONS_GAP], "V2"), may_reuse([DefectKind.OPERATIONS_GAP], "A2")
        (True, False)
        >>> may_reuse([DefectKind.OPERATIONS_GAP, DefectKind.LEAKAGE], "V2")
        False
    """
    rules = [RE_ENTRY[defect] for defect in defects]
    return not any(rule.again == _ALL or step in rule.again for rule in rules)


class Origin(Enum):
    """What kind of judge found a defect: only the same kind can say that it is gone."""

    CHECK = "check"
    SIGN_OFF = "sign-off"
    MONITOR = "monitor"
    ROLLOUT = "rollout"
    OTHER = "other"


def origin_of(source: str) -> tuple[Origin, str]:
    """The kind of judge in a work item's `source`, and its name (a check's or a monitor's id).

    Example:
        >>> origin_of("V2 beats-baseline"), origin_of("review: data-drift")
        ((<Origin.CHECK: 'check'>, 'beats-baseline'), (<Origin.MONITOR: 'monitor'>, 'data-drift'))
    """
    first, _, rest = source.partition(" ")
    if first == "review:":
        return Origin.MONITOR, rest
    if first == "rollout":
        return Origin.ROLLOUT, ""
    if first == "sign-off":
        return Origin.SIGN_OFF, ""
    if first[:1] in ("V", "R", "A") and first[1:].isdigit() and rest:
        return Origin.CHECK, rest
    return Origin.OTHER, source


class WorkItemState(Enum):
    """Whether the defect is still to be mended."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about a work item."""

    person: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One defect on its way back to a named development step; one item, however long its lineage shows it.

    `source` says what found it (`V2 beats-baseline`, `review: data-drift`, `rollout d-1`, `sign-off by vera`);
    `version` is the newest version that shows it, `seen_in` the earlier ones. `re_entry` names the gate that must be
    passed again, `closed_by` what showed that it is gone (a gate run, a review, a deployment, a sign-off),
    `successor` the version that mends it. `reopened` counts how often it came back after it was closed; `earlier`
    names the item of the same defect on another branch of the lineage.
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
    seen_in: tuple[str, ...] = ()
    successor: str = ""
    comments: tuple[Comment, ...] = ()
    reopened: int = 0
    earlier: str = ""

    @property
    def judge(self) -> tuple[Origin, str]:
        """The kind of judge that found it, and its name."""
        return origin_of(self.source)

    @property
    def rule(self) -> ReEntry:
        """How its version comes back."""
        return RE_ENTRY[self.defect]
