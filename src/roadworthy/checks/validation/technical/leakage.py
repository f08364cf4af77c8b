"""V2: no input gives the answer away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # scikit-learn ships no types

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import named, shared_level, too_few
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import Interval, UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.statistics.ranking import auc, auc_interval

_SHRINK_ROWS = 10.0
_FLOAT32_MAX = 3.0e38


@dataclass(frozen=True)
class LeakageParams(Params):
    """`max_single_auc`: what one column may reach alone; `suspicious_auc`: from where a person should look."""

    max_single_auc: float = 0.90
    suspicious_auc: float = 0.80
    level: float = 0.95
    depth: int = 3
    max_rows: int = 20_000
    min_rows: int = 400
    min_events: int = 50
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_single_auc": (0.5, 1.0),
        "suspicious_auc": (0.5, 1.0),
        "level": (0.5, 0.999),
        "depth": (1, 8),
        "max_rows": (400, 1e9),
        "min_rows": (40, 1e9),
        "min_events": (4, 1e9),
    }


@dataclass(frozen=True)
class _Alone:
    """What one input reaches on its own."""

    column: str
    auc: float
    interval: Interval


class Leakage(Check):
    """No input predicts the target suspiciously well on its own, and none is unknown when the decision is made.

    Needs:
        `train`, `use_case`, `version`.

    Parameters:
        `max_single_auc` (AUC, 0.90, 0.5..1) and `suspicious_auc` (AUC, 0.80, 0.5..1) of a tree on one column;
        `depth` (levels, 3, 1..8) of that tree; `level` (share, 0.95) of all columns' intervals together; `max_rows`
        (20,000) sampled; `min_rows` (400), `min_events` (50 of the rarer class). The defaults were measured: in the
        bank campaign of 2008-05 to 2008-10 `duration`, known only after the call, reaches 0.94 and the best honest
        column 0.58; over all years honest macro columns reach 0.78; the electricity price that rightly drives its
        own market 0.86.

    Verdict:
        fail when an input, or a variable the inputs were made of, is the target or is listed in
        `not_known_at_decision`, or when the lower DeLong limit (Bonferroni over columns) of a column's AUC on the
        half of the rows its tree did not see >= max_single_auc; warn when a column's AUC >= suspicious_auc; else
        pass when every upper limit < max_single_auc. A clean column is called a leak with probability <= (1 -
        level) / 2 over all columns.

    Inconclusive/Error:
        inconclusive with too few rows or events, no inputs, an input that is not in the training data or has no
        value there, or an upper limit above `max_single_auc` while the lower is below.

    Example:
        >>> from dataclasses import replace
        >>> from roadworthy.checks.validation.example import material
        >>> world = material()
        >>> Leakage().evaluate(world, LeakageParams()).verdict.value
        'pass'
        >>> late = replace(world.use_case, not_known_at_decision=("visits",))
        >>> Leakage().evaluate(replace(world, use_case=late), LeakageParams()).reasons
        ('not-known-at-decision:visits',)

    References:
        Kaufman, Rosset & Perlich 2012, ACM TKDD 6 (leakage in data mining); Moro, Cortez & Rita 2014 (bank).
    """

    id = "leakage"
    title = "No input gives the answer away"
    step = Step.V2
    needs = ("train", "use_case", "version")
    cost = Cost.FULL_SCAN
    defect = DefectKind.LEAKAGE
    params = LeakageParams

    def evaluate(self, material: Material, params: LeakageParams) -> Finding:
        """Judge the claim; see the class."""
        train, use_case, version = material.train, material.use_case, material.version
        assert train and use_case and version  # noqa: S101, PT018 - the runner saw to the needs
        declared = late_columns(use_case, version)
        if declared:
            return self.finding(
                Verdict.FAIL,
                f"The model uses what is not known when it decides: {named(c for _, c in declared)}.",
                rows=train.frame.n_rows,
                reasons=tuple(f"{why}:{column}" for why, column in declared),
            )
        reasons = _unmeasurable(train, version, params)
        if reasons:
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"Leakage cannot be measured on {train.frame.n_rows} training rows: {named(reasons)}.",
                rows=train.frame.n_rows,
                reasons=reasons,
            )
        return self._judged(_alone(train, version, material.rng(), params), train.frame.n_rows, params)

    def _judged(self, found: list[_Alone], rows: int, params: LeakageParams) -> Finding:
        """The finding on measured columns, best first."""
        leaks = [a for a in found if a.interval.low >= params.max_single_auc]
        unclear = [a for a in found if a not in leaks and a.interval.high >= params.max_single_auc]
        odd = [a for a in found if a.auc >= params.suspicious_auc]
        verdict, shown, why = next(
            (v, group, code)
            for v, group, code in (
                (Verdict.FAIL, leaks, "predicts-alone"),
                (Verdict.INCONCLUSIVE, unclear, "may-predict-alone"),
                (Verdict.WARN, odd, "suspicious"),
                (Verdict.PASS, found[:1], ""),
            )
            if group or v is Verdict.PASS
        )
        most = found[0]
        told = ", ".join(f"{a.column} ({a.auc:.3f})" for a in shown[:8])
        return self.finding(
            verdict,
            f"AUC of one column alone, highest first: {told}; from {params.max_single_auc:g} it is a leak.",
            statistic=most.auc,
            interval=most.interval,
            threshold=params.max_single_auc,
            unit="AUC",
            rows=rows,
            reasons=tuple(f"{why}:{a.column}" for a in shown if why),
            details={
                "columns": [
                    {"column": a.column, "auc": a.auc, "low": a.interval.low, "high": a.interval.high}
                    for a in found[:50]
                ]
            },
        )


def late_columns(use_case: UseCase, version: ModelVersion) -> list[tuple[str, str]]:
    """(code, column) of inputs and original variables that cannot be known when the decision is made."""
    used = dict.fromkeys((*version.signature.names, *version.original_variables))
    late = [("is-the-target", c) for c in used if c == use_case.target]
    return late + [("not-known-at-decision", c) for c in used if c in use_case.not_known_at_decision]


def _unmeasurable(train: Labelled, version: ModelVersion, params: LeakageParams) -> tuple[str, ...]:
    """Codes of what stands in the way of measuring any input on its own."""
    names = version.signature.names
    absent = [f"input-missing:{n}" for n in names if n not in train.frame]
    blank = [f"no-values:{n}" for n in names if n in train.frame and train.frame.missing(n).all()]
    few = too_few(train.y, params.min_rows, params.min_events)
    return (*few, *absent, *blank) if names else (*few, "no-inputs")


def _alone(train: Labelled, version: ModelVersion, rng: np.random.Generator, params: LeakageParams) -> list[_Alone]:
    """Every input's AUC on its own, highest first."""
    order = rng.permutation(train.frame.n_rows)[: int(params.max_rows)]
    fit, held = np.sort(order[::2]), np.sort(order[1::2])
    y_fit, y_held = train.y[fit], train.y[held]
    names = version.signature.names
    level = shared_level(params.level, len(names))
    found = []
    for name in names:
        column = as_numbers(train.frame, name, fit, y_fit)
        tree = DecisionTreeClassifier(
            max_depth=int(params.depth), min_samples_leaf=max(5, len(fit) // 200), random_state=0
        )
        tree.fit(column[fit, None], y_fit)
        scores = tree.predict_proba(column[held, None])[:, 1]
        found.append(_Alone(name, auc(y_held, scores), auc_interval(y_held, scores, level)))
    return sorted(found, key=lambda a: -a.auc)


def as_numbers(frame: Frame, name: str, fit: np.ndarray[tuple[int], np.dtype[np.intp]], y_fit: Floats) -> Floats:
    """A column as float64, shape (n_rows,): text by its shrunken event rate on the rows `fit`, times as days.

    An unseen text value gets the overall rate; missing numbers stay NaN, missing text is a value of its own.
    """
    values = frame[name]
    if values.dtype.kind == "M":
        days = values.astype("datetime64[us]").astype(np.float64) / 86_400e6
        return np.where(frame.missing(name), np.nan, days)
    if values.dtype.kind != "O":
        return np.clip(frame.floats(name), -_FLOAT32_MAX, _FLOAT32_MAX)
    prior = float(y_fit.mean())
    kinds, where = np.unique(np.array([str(v) for v in values], dtype=np.str_), return_inverse=True)
    counts = np.bincount(where[fit], minlength=len(kinds))
    events = np.bincount(where[fit], weights=y_fit, minlength=len(kinds))
    rates = (events + _SHRINK_ROWS * prior) / (counts + _SHRINK_ROWS)
    return np.asarray(rates[where], dtype=np.float64)
