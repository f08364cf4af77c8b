"""R5 `transport-parity`: whichever way the model is called, it answers the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Material, Score
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Floats, Frame

_REFERENCE = "in-code"


@dataclass(frozen=True)
class TransportParityParams(Params):
    """`tolerance`: largest score difference; `min_transports`; `rows` of the pack, at least `min_rows`."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "tolerance": (0.0, 0.01),
        "min_transports": (2, 10),
        "rows": (1, 10_000),
        "min_rows": (1, 10_000),
    }

    tolerance: float = 1e-6
    min_transports: int = 2
    rows: int = 200
    min_rows: int = 30


class TransportParity(Check):
    """The same test pack gives the same scores and the same actions through every transport.

    Needs:
        version (inputs, threshold); transports: at least min_transports ways to the same model; sealed or, without
        it, traffic as the pack.

    Parameters:
        tolerance (score units, default 1e-6, 0..0.01); min_transports (count, default 2, 2..10);
        rows (default 200, 1..10000): size of the pack, rows with missing values first, the rest evenly spaced;
        min_rows (default 30, 1..10000).

    Verdict:
        Against the in-code call (or the first transport where there is none): fail when some transport answers
        another number of scores, a score that is not finite, max |difference| > tolerance, or any action (score >=
        threshold) differs; pass otherwise. The pack is compared row by row, nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive with fewer than min_transports transports, no pack, or fewer than min_rows rows; error when a
        transport raises, naming it: it gave no answer that could differ.

    Example:
        >>> one, other = np.array([0.2, 0.5]), np.array([0.2, 0.4999])
        >>> gap = compare(one, other, threshold=0.5)
        >>> round(gap.largest, 6), gap.actions, gap.reason(tolerance=0.001)
        (0.0001, 1, 'action-differs')

    References:
        Open Inference Protocol v2: one data plane under REST, gRPC and batch; Breck et al., The ML Test Score, IEEE
        Big Data 2017 (training and serving answer alike).
    """

    id = "transport-parity"
    version = 1
    title = "Every transport gives the same answers"
    step = Step.R5
    needs = ("version",)
    cost = Cost.FULL_SCAN
    defect = DefectKind.SERVING_FAILURE
    params = TransportParityParams

    def evaluate(self, material: Material, params: TransportParityParams) -> Finding:
        """Send the pack through each transport and compare."""
        version, transports = material.version, material.transports
        assert version is not None  # noqa: S101 - the runner checked `needs`
        if len(transports) < params.min_transports:
            message = f"{len(transports)} transports were reached; {params.min_transports} are needed to compare."
            return self.finding(Verdict.INCONCLUSIVE, message, reasons=("too-few-transports",))
        pack = _pack(material, version.signature.names, params.rows)
        if pack is None or pack.n_rows < params.min_rows:
            message = f"The pack has {pack.n_rows if pack else 0} rows; {params.min_rows} are needed."
            return self.finding(Verdict.INCONCLUSIVE, message, reasons=("too-few-rows",))
        answers, broken = _answers(transports, pack)
        if broken:
            message = f"No answer through {', '.join(broken)}: {next(iter(broken.values()))}"
            reasons = tuple(f"transport-broken:{name}" for name in broken)
            return self.finding(Verdict.ERROR, message, rows=pack.n_rows, reasons=reasons, details=broken)
        reference = _REFERENCE if _REFERENCE in answers else next(iter(answers))
        gaps = {
            name: compare(answers[reference], given, version.threshold)
            for name, given in answers.items()
            if name != reference
        }
        return self._judge(reference, gaps, pack.n_rows, params.tolerance)

    def _judge(self, reference: str, gaps: Mapping[str, Gap], rows: int, tolerance: float) -> Finding:
        named = {name: gap.reason(tolerance) for name, gap in gaps.items()}
        reasons = tuple(f"{reason}:{name}" for name, reason in named.items() if reason)
        measured = [gap.largest for gap in gaps.values() if np.isfinite(gap.largest)]
        differing = [name for name, reason in named.items() if reason]
        message = f"{', '.join(gaps)} answer like {reference} on {rows} rows."
        if differing:
            message = f"{', '.join(differing)} differ from {reference}: {', '.join(reasons)}."
        return self.finding(
            Verdict.FAIL if reasons else Verdict.PASS,
            message,
            statistic=max(measured) if measured else None,
            threshold=tolerance,
            unit="score",
            rows=rows,
            reasons=reasons,
            details={"reference": reference, "transports": {n: g.as_row() for n, g in gaps.items()}},
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """How one transport's answers differ: wrong count, unusable scores, largest difference, actions that differ."""

    count_differs: bool
    unusable: int
    largest: float
    actions: int

    def reason(self, tolerance: float) -> str:
        """The gravest difference as a code; empty when there is none."""
        if self.count_differs:
            return "count-differs"
        if self.unusable:
            return "not-finite"
        if self.actions:
            return "action-differs"
        return "score-differs" if self.largest > tolerance else ""

    def as_row(self) -> dict[str, Any]:
        """For a table."""
        largest = self.largest if np.isfinite(self.largest) else None
        return {"largest_difference": largest, "actions_that_differ": self.actions, "not_finite": self.unusable}


def compare(reference: Floats, given: Floats, threshold: float) -> Gap:
    """How `given` differs from `reference`, both (n_rows,)."""
    if given.shape != reference.shape:
        return Gap(count_differs=True, unusable=0, largest=float("nan"), actions=0)
    usable = np.isfinite(given) & np.isfinite(reference)
    if not usable.all():
        return Gap(count_differs=False, unusable=int((~usable).sum()), largest=float("nan"), actions=0)
    largest = float(np.max(np.abs(given - reference), initial=0.0))
    actions = int(((given >= threshold) != (reference >= threshold)).sum())
    return Gap(count_differs=False, unusable=0, largest=largest, actions=actions)


def _answers(transports: Mapping[str, Score], pack: Frame) -> tuple[dict[str, Floats], dict[str, str]]:
    answers: dict[str, Floats] = {}
    broken: dict[str, str] = {}
    for name, call in transports.items():
        try:
            answers[name] = np.asarray(call(pack), dtype=np.float64)
        except RoadworthyError as problem:
            broken[name] = str(problem)
    return answers, broken


def _pack(material: Material, inputs: tuple[str, ...], rows: int) -> Frame | None:
    source = material.sealed or material.traffic
    if source is None:
        return None
    frame = source.frame.select(inputs)
    missing = np.zeros(frame.n_rows, dtype=np.bool_)
    for name in frame.names:
        missing |= frame.missing(name)
    spaced = np.linspace(0, frame.n_rows - 1, min(rows, frame.n_rows)).astype(np.intp)
    # Missing values are where encodings part ways, so up to a quarter of the pack is made of them.
    hard = np.flatnonzero(missing)[: rows // 4]
    return frame.take(np.unique(np.concatenate([hard, spaced]))[:rows] if frame.n_rows else hard)
