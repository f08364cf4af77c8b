"""R4 `parameter-parity`: production sends what the sandbox was tested with, as fast, in that shape, as clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Material
from roadworthy.domain.errors import shortlist
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict, worst
from roadworthy.statistics.frame import Floats, Frame
from roadworthy.statistics.proportions import difference, wilson

_DEFECTS = {
    "shape": DefectKind.CONTRACT_MISMATCH,
    "quality": DefectKind.DATA_QUALITY,
    "velocity": DefectKind.SERVING_FAILURE,
    "volume": DefectKind.SERVING_FAILURE,
}
"""Dimension -> what a failure in it means, in the order in which the leading one is chosen."""

_EMPTY = "nothing but missing values"


@dataclass(frozen=True)
class ParameterParityParams(Params):
    """What was tested (rates), and how much worse than training the input may be (shares 0..1)."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "tested_per_second": (0.001, 1e7),
        "tested_rows_per_day": (1, 1e12),
        "max_missing_increase": (0.0, 1.0),
        "max_unseen_share": (0.0, 1.0),
        "max_out_of_range_share": (0.0, 1.0),
        "min_rows": (10, 10_000_000),
        "level": (0.5, 0.9999),
    }

    tested_per_second: float = 100.0
    tested_rows_per_day: float = 5_000_000.0
    max_missing_increase: float = 0.02
    max_unseen_share: float = 0.01
    max_out_of_range_share: float = 0.02
    min_rows: int = 200
    level: float = 0.95


class ParameterParity(Check):
    """Velocity, shape, volume and quality of production input stay within what training and load tests covered.

    Needs:
        version, train, traffic: a sample of production input with arrival times.

    Parameters:
        tested_per_second (rows in any one second, default 100, 0.001..1e7): the load that was tested;
        tested_rows_per_day (rows, default 5000000, 1..1e12); max_missing_increase (share over training, default
        0.02, 0..1); max_unseen_share of rows with a category not in training (default 0.01, 0..1);
        max_out_of_range_share of rows outside training's lowest and highest number (default 0.02, 0..1);
        min_rows (default 200, 10..10000000); level (default 0.95, 0.5..0.9999), shared by all quality comparisons.

    Verdict:
        The worst of the dimensions. velocity: fail when the peak rows in any one-second window exceed
        tested_per_second. volume: fail when rows / span, per day, exceeds tested_rows_per_day. shape: fail when an
        input is missing, or is text where training has numbers or the reverse. quality, per column, at level
        1 - (1 - level)/m over m comparisons: fail when the interval's low end (Newcombe for the missing increase,
        Wilson for shares) exceeds the limit, warn when only the estimate does; so a clean source fails with
        probability at most 1 - level. Defect: that of the first failing of shape, quality, velocity, volume.

    Inconclusive/Error:
        inconclusive when nothing failed but the sample has fewer than min_rows rows, or its arrivals span no time.

    Example:
        >>> peak_per_second(np.array([0.0, 0.1, 0.9, 1.05, 5.0]))
        3
        >>> [row.verdict.value for row in shape(
        ...     Frame({"age": np.array(["old"], dtype=object)}),
        ...     Frame({"age": np.array([41.0]), "tenure": np.array([3.0])}), ("age", "tenure"))]
        ['fail', 'fail']

    References:
        Newcombe 1998; Wilson 1927; Breck et al., Data Validation for Machine Learning, MLSys 2019.
    """

    id = "parameter-parity"
    version = 1
    title = "Production input is like the sandbox's"
    step = Step.R4
    needs = ("version", "train", "traffic")
    cost = Cost.FULL_SCAN
    defect = DefectKind.DATA_QUALITY
    params = ParameterParityParams

    def evaluate(self, material: Material, params: ParameterParityParams) -> Finding:
        """Measure the four dimensions, then take the worst."""
        version, train, traffic = material.version, material.train, material.traffic
        assert version is not None  # noqa: S101 - the runner checked `needs`
        assert train is not None  # noqa: S101 - the runner checked `needs`
        assert traffic is not None  # noqa: S101 - the runner checked `needs`
        rows = [
            *_velocity(traffic.arrivals_s, params),
            *_volume(traffic.frame.n_rows, traffic.arrivals_s, params),
            *shape(traffic.frame, train.frame, version.signature.names),
            *_quality(traffic.frame, train.frame, version.signature, params),
        ]
        failing = [row for row in rows if row.verdict is Verdict.FAIL]
        verdict = Verdict.FAIL if failing else worst(row.verdict for row in rows)
        told = [row for row in rows if row.verdict is not Verdict.PASS]
        leading = next((d for d in _DEFECTS if any(r.dimension == d for r in failing or told)), None)
        extra = [name for name in traffic.frame.names if name not in version.signature.names]
        message = f"{traffic.frame.n_rows} rows of production input are within what was tested."
        if told:
            message = f"Production input differs: {shortlist([row.sentence() for row in told], 5)}."
        return self.finding(
            verdict,
            message,
            statistic=float(len(failing)),
            threshold=0.0,
            unit="failing comparisons",
            rows=traffic.frame.n_rows,
            reasons=tuple(row.code() for row in told[:40]),
            defect=_DEFECTS[leading] if leading else None,
            details={"dimensions": [row.as_row() for row in _shown(rows)], "columns_not_used": extra[:40]}
            | _arrivals(traffic.arrivals_s),
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: a dimension, what of it (a column, a rate), what was measured, and its limit."""

    dimension: str
    subject: str
    verdict: Verdict
    measured: float | None = None
    limit: float | None = None
    unit: str = ""

    def code(self) -> str:
        """The reason code."""
        return f"{self.dimension}:{self.subject}"

    def sentence(self) -> str:
        """For a person."""
        if self.measured is None or self.limit is None:
            return f"{self.dimension} {self.subject}"
        return f"{self.dimension} {self.subject} {self.measured:.4g} against {self.limit:.4g} {self.unit}"

    def as_row(self) -> dict[str, Any]:
        """For a table."""
        return {
            "dimension": self.dimension,
            "subject": self.subject,
            "verdict": self.verdict.value,
            "measured": self.measured,
            "limit": self.limit,
            "unit": self.unit,
        }


def peak_per_second(arrivals_s: Floats) -> int:
    """Most arrivals in any window of one second, [t, t + 1); `arrivals_s` in seconds, (n_rows,), any order."""
    ordered = np.sort(arrivals_s)
    ends = np.searchsorted(ordered, ordered + 1.0, side="left")
    return int((ends - np.arange(len(ordered))).max(initial=0))


def _arrivals(arrivals_s: Floats) -> dict[str, float]:
    """Mean and peak rate in rows per second, and how bursty that is (peak over mean; 1 = even)."""
    usable = arrivals_s[np.isfinite(arrivals_s)]
    span = float(usable.max() - usable.min()) if len(usable) else 0.0
    if span <= 0.0:
        return {}
    mean, peak = (len(usable) - 1) / span, float(peak_per_second(usable))
    return {"mean_per_second": mean, "peak_per_second": peak, "burstiness": peak / mean}


def shape(traffic: Frame, train: Frame, inputs: Sequence[str]) -> list[Compared]:
    """One comparison per input: is it there, and is it the same kind of value as in training."""
    out = []
    for name in inputs:
        if name not in traffic:
            out.append(Compared("shape", f"{name}-missing", Verdict.FAIL))
        elif name in train and _kind(traffic, name) == _EMPTY == _kind(train, name):
            # Nothing to compare is not the same as nothing differs.
            out.append(Compared("shape", f"{name}-has-no-value", Verdict.INCONCLUSIVE))
        elif name in train and not _alike(traffic, train, name):
            out.append(Compared("shape", f"{name}-other-type", Verdict.FAIL))
        else:
            out.append(Compared("shape", name, Verdict.PASS))
    return out


def _alike(traffic: Frame, train: Frame, name: str) -> bool:
    kinds = {_kind(traffic, name), _kind(train, name)} - {_EMPTY}
    return len(kinds) <= 1


def _kind(frame: Frame, name: str) -> str:
    if frame.missing(name).all():
        return _EMPTY
    return {"M": "time", "O": "text"}.get(frame[name].dtype.kind, "number")


def _velocity(arrivals_s: Floats, params: ParameterParityParams) -> list[Compared]:
    usable = arrivals_s[np.isfinite(arrivals_s)]
    if len(usable) < params.min_rows:
        return [Compared("velocity", "too-few-arrivals", Verdict.INCONCLUSIVE)]
    peak = peak_per_second(usable)
    over = peak > params.tested_per_second
    return [
        Compared(
            "velocity",
            "peak",
            Verdict.FAIL if over else Verdict.PASS,
            float(peak),
            params.tested_per_second,
            "rows per second",
        )
    ]


def _volume(rows: int, arrivals_s: Floats, params: ParameterParityParams) -> list[Compared]:
    usable = arrivals_s[np.isfinite(arrivals_s)]
    span = float(usable.max() - usable.min()) if len(usable) else 0.0
    if rows < params.min_rows:
        return [Compared("volume", "too-few-rows", Verdict.INCONCLUSIVE, float(rows), params.min_rows, "rows")]
    if span <= 0.0:
        return [Compared("volume", "no-time-span", Verdict.INCONCLUSIVE)]
    # n arrivals span n - 1 gaps.
    per_day = (len(usable) - 1) / span * 86_400.0
    verdict = Verdict.FAIL if per_day > params.tested_rows_per_day else Verdict.PASS
    return [Compared("volume", "rows-per-day", verdict, per_day, params.tested_rows_per_day, "rows per day")]


def _quality(traffic: Frame, train: Frame, signature: Signature, params: ParameterParityParams) -> list[Compared]:
    shared = [c for c in signature.inputs if c.name in traffic and c.name in train]
    shared = [c for c in shared if _alike(traffic, train, c.name)]
    if not shared or min(traffic.n_rows, train.n_rows) == 0:
        return []
    level = 1.0 - (1.0 - params.level) / (2 * len(shared))
    out = []
    for column in shared:
        out.append(_missing(traffic, train, column.name, params.max_missing_increase, level))
        kinds = {_kind(traffic, column.name), _kind(train, column.name)}
        if kinds == {"number"} and column.dtype is not DType.BOOL:
            out.append(_outside(traffic, train, column.name, params.max_out_of_range_share, level))
        elif kinds == {"text"}:
            out.append(_unseen(traffic, train, column.name, params.max_unseen_share, level))
    return out


def _missing(traffic: Frame, train: Frame, name: str, limit: float, level: float) -> Compared:
    here, there = int(traffic.missing(name).sum()), int(train.missing(name).sum())
    gap, interval = difference(here, traffic.n_rows, there, train.n_rows, level)
    return Compared("quality", f"{name}-missing", _over(gap, interval.low, limit), gap, limit, "share")


def _outside(traffic: Frame, train: Frame, name: str, limit: float, level: float) -> Compared:
    known = train.floats(name)
    values = traffic.floats(name)
    values = values[~np.isnan(values)]
    outside = (values < np.nanmin(known)) | (values > np.nanmax(known))
    return _share(f"{name}-out-of-range", int(outside.sum()), len(values), limit, level)


def _unseen(traffic: Frame, train: Frame, name: str, limit: float, level: float) -> Compared:
    known = {v for v in train[name] if v is not None}
    present = [v for v in traffic[name] if v is not None]
    return _share(f"{name}-unseen", sum(v not in known for v in present), len(present), limit, level)


def _share(subject: str, count: int, n: int, limit: float, level: float) -> Compared:
    share = count / n
    return Compared("quality", subject, _over(share, wilson(count, n, level).low, limit), share, limit, "share")


def _over(estimate: float, low: float, limit: float) -> Verdict:
    if low > limit:
        return Verdict.FAIL
    return Verdict.WARN if estimate > limit else Verdict.PASS


def _shown(rows: Sequence[Compared], at_most: int = 120) -> list[Compared]:
    """The worst comparisons first; a very wide table is cut."""
    return sorted(rows, key=lambda row: -row.verdict.severity)[:at_most]
