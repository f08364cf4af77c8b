"""R7 `drift-apart`: data, mathematical and business drift are told apart, for each has its own way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.errors import shortlist
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict

_UNKNOWN = (Verdict.INCONCLUSIVE, Verdict.ERROR)
_WAYS = {
    SignalKind.MATHEMATICAL_DRIFT: DefectKind.MATHEMATICAL_DRIFT,
    SignalKind.BUSINESS_DRIFT: DefectKind.BUSINESS_DRIFT,
    SignalKind.DATA_DRIFT: DefectKind.DATA_DRIFT,
}
"""Kind -> defect, in the order in which the leading defect is chosen when several are found."""


@dataclass(frozen=True)
class DriftApartParams(Params):
    """Shares (0..1) of measured columns that may move before it is a warning, and drift before it is a failure."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "warn_share": (0.0, 1.0),
        "fail_share": (0.0, 1.0),
        "min_measured_share": (0.0, 1.0),
    }

    warn_share: float = 0.1
    fail_share: float = 0.3
    min_measured_share: float = 0.5


class DriftApart(Check):
    """On production-like traffic neither the model's relation to the outcome, nor its value, nor its inputs moved.

    Needs:
        signals: what monitors concluded, with at least one of each kind data drift (one per column), mathematical
        drift and business drift. Score drift is used where given.

    Parameters:
        fail_share (share of measured columns, default 0.3, 0..1): columns whose signal failed; warn_share (default
        0.1, 0..1): columns whose signal failed or warned.
        min_measured_share (share of columns, default 0.5, 0..1): with fewer measured, data drift is unknown.

    Verdict:
        fail with defect mathematical drift when a mathematical signal failed; else fail with business drift when a
        business signal failed; else fail with data drift when failed / measured columns >= fail_share (> 0).
        warn when (failed + warned) / measured columns >= warn_share (> 0), when the scores drifted although few
        columns did, or when a mathematical or business signal warned. pass when every kind is measured and none of
        this holds. All kinds found are in `reasons`; the error rate is that of the monitors, which control it for
        the whole review.

    Inconclusive/Error:
        inconclusive when nothing failed but a kind is missing or unmeasured; error when the only signals of a kind
        are errors. A failure that was measured stays a failure whatever else is unknown.

    Example:
        >>> def signal(kind, subject, verdict):
        ...     return Signal("m", kind, subject, verdict, "")
        >>> kinds = (SignalKind.DATA_DRIFT, SignalKind.MATHEMATICAL_DRIFT, SignalKind.BUSINESS_DRIFT)
        >>> verdicts = (Verdict.PASS, Verdict.FAIL, Verdict.PASS)
        >>> seen = [signal(k, "x", v) for k, v in zip(kinds, verdicts)]
        >>> {k.value: v.value for k, v in by_kind(seen, DriftApartParams()).items()}
        {'mathematical-drift': 'fail', 'business-drift': 'pass', 'data-drift': 'pass'}

    References:
        Moreno-Torres et al., A unifying view on dataset shift in classification, Pattern Recognition 45, 2012.
    """

    id = "drift-apart"
    version = 1
    title = "Data, mathematical and business drift told apart"
    step = Step.R7
    needs = ("signals",)
    defect = DefectKind.DATA_DRIFT
    params = DriftApartParams

    def evaluate(self, material: Material, params: DriftApartParams) -> Finding:
        """One verdict per kind, then the path the version takes."""
        signals = material.signals or ()
        kinds = by_kind(signals, params)
        if SignalKind.SCORE_DRIFT in {s.kind for s in signals} and kinds[SignalKind.DATA_DRIFT] is Verdict.PASS:
            moved = any(s.kind is SignalKind.SCORE_DRIFT and s.verdict is Verdict.FAIL for s in signals)
        else:
            moved = False
        verdict, leading = _path(kinds, scores_moved=moved)
        reasons = tuple(f"{kind.value}:{v.value}" for kind, v in kinds.items() if v is not Verdict.PASS)
        reasons += ("score-drift-without-data-drift",) if moved else ()
        drifted, measured = _columns(signals)
        return self.finding(
            verdict,
            _message(verdict, leading, drifted, measured, reasons),
            statistic=len(drifted) / len(measured) if measured else None,
            threshold=params.fail_share,
            unit="share of columns",
            rows=max((s.rows for s in signals), default=0),
            reasons=reasons,
            defect=leading,
            details=_table(signals, kinds, drifted),
        )


def by_kind(signals: Sequence[Signal], params: DriftApartParams) -> dict[SignalKind, Verdict]:
    """One verdict per kind of drift; `inconclusive` for a kind nobody measured."""
    return {
        kind: data_drift(signals, params) if kind is SignalKind.DATA_DRIFT else _any_failed(signals, kind)
        for kind in _WAYS
    }


def data_drift(signals: Sequence[Signal], params: DriftApartParams) -> Verdict:
    """The verdict on the inputs: by the share of measured columns that drifted."""
    all_of_them = [s for s in signals if s.kind is SignalKind.DATA_DRIFT]
    drifted, measured = _columns(signals)
    warned = {s.subject for s in all_of_them if s.verdict is Verdict.WARN}.difference(drifted)
    if not measured or len(measured) < params.min_measured_share * len({s.subject for s in all_of_them}):
        errors = bool(all_of_them) and all(s.verdict is Verdict.ERROR for s in all_of_them)
        return Verdict.ERROR if errors else Verdict.INCONCLUSIVE
    moved = len(drifted) + len(warned)
    if drifted and len(drifted) / len(measured) >= params.fail_share:
        return Verdict.FAIL
    return Verdict.WARN if moved and moved / len(measured) >= params.warn_share else Verdict.PASS


def _any_failed(signals: Sequence[Signal], kind: SignalKind) -> Verdict:
    found = [s.verdict for s in signals if s.kind is kind]
    known = [v for v in found if v not in _UNKNOWN]
    if known:
        return max(known, key=lambda v: v.severity)
    return Verdict.ERROR if found and all(v is Verdict.ERROR for v in found) else Verdict.INCONCLUSIVE


def _path(kinds: dict[SignalKind, Verdict], *, scores_moved: bool) -> tuple[Verdict, DefectKind | None]:
    for wanted in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.WARN):
        leading = next((kind for kind in _WAYS if kinds[kind] is wanted), None)
        if leading is not None:
            return wanted, _WAYS[leading]
    return (Verdict.WARN, DefectKind.DATA_DRIFT) if scores_moved else (Verdict.PASS, None)


def _columns(signals: Sequence[Signal]) -> tuple[list[str], list[str]]:
    """Columns that drifted, and columns that were measured at all; each once, in order."""
    of_data = [s for s in signals if s.kind is SignalKind.DATA_DRIFT and s.verdict not in _UNKNOWN]
    drifted = dict.fromkeys(s.subject for s in of_data if s.verdict is Verdict.FAIL)
    return list(drifted), list(dict.fromkeys(s.subject for s in of_data))


def _message(
    verdict: Verdict,
    leading: DefectKind | None,
    drifted: list[str],
    measured: list[str],
    reasons: tuple[str, ...],
) -> str:
    columns = f"{len(drifted)} of {len(measured)} measured columns drifted"
    if drifted:
        columns += f" ({shortlist(drifted)})"
    if verdict is Verdict.PASS:
        return f"No drift of any kind; {columns}."
    if verdict in _UNKNOWN:
        return f"Could not tell the drifts apart: {', '.join(reasons)}."
    return f"{leading.value if leading else 'drift'}: {', '.join(reasons)}; {columns}."


def _table(signals: Sequence[Signal], kinds: dict[SignalKind, Verdict], drifted: list[str]) -> dict[str, Any]:
    unknown = [f"{s.kind.value}:{s.subject}" for s in signals if s.kind in _WAYS and s.verdict in _UNKNOWN]
    return {
        "kinds": {kind.value: verdict.value for kind, verdict in kinds.items()},
        "drifted_columns": drifted[:50],
        "not_measured": unknown[:50],
    }
