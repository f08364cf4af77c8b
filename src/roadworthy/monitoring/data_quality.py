"""Data quality: constant columns, missing values, unseen categories, range, text for numbers, volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from scipy.special import pdtr

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.profile import ColumnCounts, Profile
from roadworthy.monitoring.reference import BinKind, ColumnBins, Reference
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.proportions import difference, wilson


@dataclass(frozen=True)
class DataQualityParams(DetectorParams):
    """What production input may look like.

    Attributes:
        min_rows: rows below which shares are not judged.
        max_missing_rise: of a column's share of missing values above the reference's (0..1).
        max_unseen: share of rows with a category the reference never had (0..1).
        warn_outside, max_outside: share of rows outside the reference's range (0..1).
        min_volume: rows over expected rows (0..1).
        alarm: error rate of the volume and frozen-column tests (0..1).
    """

    RANGES: ClassVar = {
        "min_rows": (30, 1e9),
        "max_missing_rise": (0.0, 1.0),
        "max_unseen": (0.0, 1.0),
        "warn_outside": (0.0, 1.0),
        "max_outside": (0.0, 1.0),
        "min_volume": (0.0, 1.0),
        "alarm": (1e-12, 0.1),
    }

    min_rows: int = 200
    max_missing_rise: float = 0.05
    max_unseen: float = 0.01
    warn_outside: float = 0.01
    max_outside: float = 0.1
    min_volume: float = 0.5
    alarm: float = 0.01


def detect(
    reference: Reference,
    current: Profile,
    params: DataQualityParams | None = None,
    *,
    expected_rows: float | None = None,
) -> tuple[Signal, ...]:
    """A signal per column and problem found, one PASS per question without problems, and `volume` when
    `expected_rows` (rows that a window of this length should have) is given.

    constant: WARN when a column has one value, in the reference or in the window only. missing: FAIL when the 95 %
    interval of the rise lies above `max_missing_rise`, WARN when only the estimate does. unseen: FAIL when Wilson's
    lower end is above `max_unseen`, WARN on any. out-of-range: the same against `max_outside`, `warn_outside`.
    mistyped: FAIL on any. Below `min_rows` rows: INCONCLUSIVE.
    """
    settings = params or DataQualityParams()
    found: list[Signal] = []
    if expected_rows is not None:
        found.append(volume(current.rows, expected_rows, settings))
    if current.rows < settings.min_rows:
        few = f"{current.rows} rows are too few to judge data quality (needed: {settings.min_rows})"
        return (*found, _signal("shares", "all columns", Verdict.INCONCLUSIVE, few, current.rows))
    pairs = list(zip(reference.columns, current.columns, strict=True))
    for question, ask in _QUESTIONS.items():
        answers = [s for bins, counts in pairs if (s := ask(bins, counts, current.rows, settings)) is not None]
        clean = f"no problem in {len(pairs)} columns"
        found.extend(answers or [_signal(question, "all columns", Verdict.PASS, clean, current.rows)])
    return tuple(found)


def volume(rows: int, expected_rows: float, params: DataQualityParams | None = None) -> Signal:
    """Has the traffic collapsed? There is no minimum of rows: absence is the evidence.

    FAIL when rows < `min_volume` x expected *and* so few have a Poisson probability below `alarm`, WARN when rows
    are below halfway from that share to 1, with the same probability. INCONCLUSIVE when none were expected.
    """
    settings = params or DataQualityParams()
    if not expected_rows > 0.0:
        return _signal("volume", "rows", Verdict.INCONCLUSIVE, "no rows were expected", rows)
    share, chance = rows / expected_rows, float(pdtr(rows, expected_rows))
    verdict = Verdict.PASS
    if chance < settings.alarm and share < (1.0 + settings.min_volume) / 2.0:
        verdict = Verdict.FAIL if share < settings.min_volume else Verdict.WARN
    message = f"{rows} rows where {expected_rows:.0f} were expected ({share:.0%})"
    signal = _signal("volume", "rows", verdict, message, rows)
    return replace(signal, statistic=share, threshold=settings.min_volume, unit="share")


def _constant(bins: ColumnBins, counts: ColumnCounts, rows: int, params: DataQualityParams) -> Signal | None:
    present = rows - counts.counts[-1]
    if _one_value(bins):
        return _signal("constant", bins.name, Verdict.WARN, f"{bins.name} was constant in the reference", rows)
    if bins.kind is BinKind.TEXT:
        stuck = [i for i, n in enumerate(counts.counts[: len(bins.categories)]) if n == present]
    else:
        frozen = counts.low is not None and counts.low == counts.high
        stuck = [i for i, n in enumerate(counts.counts[:-1]) if n == present] if frozen else []
    if present < params.min_rows or not stuck:
        return None
    usual = bins.counts[stuck[0]] / max(1, sum(bins.counts[:-1]))
    if usual > 0.0 and present * math.log(usual) > math.log(params.alarm):
        return None
    message = f"{bins.name} has one value in all {present} rows; in the reference it varied"
    return _signal("constant", bins.name, Verdict.WARN, message, rows)


def _missing(bins: ColumnBins, counts: ColumnCounts, rows: int, params: DataQualityParams) -> Signal | None:
    before, now = bins.counts[-1], counts.counts[-1] - counts.mistyped
    rise, interval = difference(now, rows, before, sum(bins.counts))
    if rise <= params.max_missing_rise or interval.low <= 0.0:
        return None
    verdict = Verdict.FAIL if interval.low > params.max_missing_rise else Verdict.WARN
    message = (
        f"{bins.name} is missing in {now / rows:.1%} of rows, {before / sum(bins.counts):.1%} in the reference"
    )
    signal = _signal("missing", bins.name, verdict, message, rows)
    return replace(signal, statistic=rise, interval=interval, threshold=params.max_missing_rise, unit="share")


def _unseen(bins: ColumnBins, counts: ColumnCounts, rows: int, params: DataQualityParams) -> Signal | None:
    if counts.unseen == 0:
        return None
    return _share(
        "unseen", bins, counts.unseen, rows, (0.0, params.max_unseen), "has categories the reference never had"
    )


def _outside(bins: ColumnBins, counts: ColumnCounts, rows: int, params: DataQualityParams) -> Signal | None:
    if bins.kind is not BinKind.NUMERIC or bins.low is None:
        return None
    what = f"is outside the reference's range ({bins.low:g} to {bins.high:g})"
    return _share(
        "out-of-range", bins, counts.below + counts.above, rows, (params.warn_outside, params.max_outside), what
    )


def _mistyped(bins: ColumnBins, counts: ColumnCounts, rows: int, params: DataQualityParams) -> Signal | None:
    del params  # one text where a number belongs is one too many
    if counts.mistyped == 0:
        return None
    message = f"{bins.name} holds text in {counts.mistyped} of {rows} rows where the reference had numbers"
    signal = _signal("mistyped", bins.name, Verdict.FAIL, message, rows)
    return replace(signal, statistic=counts.mistyped / rows, threshold=0.0, unit="share")


_QUESTIONS = {
    "constant": _constant,
    "missing": _missing,
    "unseen": _unseen,
    "out-of-range": _outside,
    "mistyped": _mistyped,
}


def _share(
    question: str, bins: ColumnBins, hits: int, rows: int, limits: tuple[float, float], what: str
) -> Signal | None:
    interval = wilson(hits, rows)
    warn_at, fail_at = limits
    if interval.low <= warn_at:
        return None
    verdict = Verdict.FAIL if interval.low > fail_at else Verdict.WARN
    message = f"{bins.name} {what} in {hits / rows:.1%} of rows"
    signal = _signal(question, bins.name, verdict, message, rows)
    return replace(signal, statistic=hits / rows, interval=interval, threshold=fail_at, unit="share")


def _one_value(bins: ColumnBins) -> bool:
    return bins.kind is BinKind.CONSTANT or (
        bins.kind is BinKind.TEXT and len(bins.categories) == 1 and bins.counts[1] == 0
    )


def _signal(question: str, subject: str, verdict: Verdict, message: str, rows: int) -> Signal:
    return Signal(
        monitor=f"data-quality/{question}",
        kind=SignalKind.DATA_QUALITY,
        subject=subject,
        verdict=verdict,
        message=message,
        rows=rows,
        defect=DefectKind.DATA_QUALITY if verdict in (Verdict.FAIL, Verdict.WARN) else None,
    )
