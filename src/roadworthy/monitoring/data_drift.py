"""Data drift: does a window's input (or score) come from another distribution than the reference?

A column drifts when the difference is large *and* not chance: an effect size alone shouts on few rows, a test alone
on many. Each window is judged by itself, so the signal goes when the data come back; a season is then no drift for
ever, and a seasonal reference (the same weeks a year ago) is simply another `Reference`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.domain.errors import DataError
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict
from roadworthy.monitoring.distances.chi_square import chi_square
from roadworthy.monitoring.distances.counts import pooled
from roadworthy.monitoring.distances.jensen_shannon import jensen_shannon
from roadworthy.monitoring.distances.psi import psi
from roadworthy.monitoring.profile import ColumnCounts, Profile
from roadworthy.monitoring.reference import ColumnBins, Reference
from roadworthy.monitoring.settings import DetectorParams
from roadworthy.statistics.multiplicity import adjusted_p_values


@dataclass(frozen=True)
class DataDriftParams(DetectorParams):
    """When a column has drifted.

    Attributes:
        min_rows: rows in the window and in the reference below which nothing is said.
        warn_at, fail_at: Jensen-Shannon distance (0..1).
        false_discovery_rate: of the chi-square tests over all columns (Benjamini-Hochberg).
    """

    RANGES: ClassVar = {
        "min_rows": (30, 1e9),
        "warn_at": (0.0, 1.0),
        "fail_at": (0.0, 1.0),
        "false_discovery_rate": (1e-9, 0.2),
    }

    min_rows: int = 200
    warn_at: float = 0.1
    fail_at: float = 0.2
    false_discovery_rate: float = 0.01


def detect(reference: Reference, current: Profile, params: DataDriftParams | None = None) -> tuple[Signal, ...]:
    """One signal per column, and one for the score when both sides have it.

    FAIL: distance >= `fail_at`, WARN: >= `warn_at`, both only with an adjusted p-value <= `false_discovery_rate`.
    INCONCLUSIVE: fewer than `min_rows` rows on a side.

    Raises:
        DataError: the profile was counted over another reference.
    """
    settings = params or DataDriftParams()
    if current.reference != reference.digest:
        raise DataError(
            f"the profile was counted over reference {current.reference}, not {reference.digest}",
            remedy="Count the window over this reference.",
        )
    pairs = [(b, c, SignalKind.DATA_DRIFT) for b, c in zip(reference.columns, current.columns, strict=True)]
    if reference.score is not None and current.score is not None:
        pairs.append((reference.score, current.score, SignalKind.SCORE_DRIFT))
    fewest = min(current.rows, reference.rows)
    if fewest < settings.min_rows:
        return tuple(_too_few(b.name, kind, fewest, current.rows, settings) for b, _, kind in pairs)
    tests = [chi_square(*pooled(b.counts, c.counts)) for b, c, _ in pairs]
    # None: both sides are in one bin, nothing can differ; no question was asked, so none is counted.
    adjusted = iter(adjusted_p_values(np.array([t.p_value for t in tests if t is not None])).tolist())
    return tuple(
        _signal(bins, counts, kind, None if test is None else next(adjusted), settings)
        for (bins, counts, kind), test in zip(pairs, tests, strict=True)
    )


def _signal(
    bins: ColumnBins, counts: ColumnCounts, kind: SignalKind, p: float | None, params: DataDriftParams
) -> Signal:
    rows = sum(counts.counts)
    distance = jensen_shannon(bins.counts, counts.counts)
    verdict = Verdict.PASS
    if p is not None and p <= params.false_discovery_rate and distance >= params.warn_at:
        verdict = Verdict.FAIL if distance >= params.fail_at else Verdict.WARN
    chance = "same single bin" if p is None else f"adjusted p {p:.2g}"
    moved = "has moved from" if verdict is not Verdict.PASS else "is like"
    return Signal(
        monitor="data-drift",
        kind=kind,
        subject=bins.name,
        verdict=verdict,
        message=f"{bins.name} {moved} the reference (distance {distance:.3f}, {chance}, {rows} rows)",
        statistic=distance,
        threshold=params.fail_at if verdict is Verdict.FAIL else params.warn_at,
        unit="Jensen-Shannon distance",
        rows=rows,
        defect=DefectKind.DATA_DRIFT if verdict is not Verdict.PASS else None,
        details={
            "adjusted_p": p,
            "psi": psi(bins.counts, counts.counts),
            "bins": list(bins.labels()),
            "reference_shares": _shares(bins.counts),
            "current_shares": _shares(counts.counts),
        },
    )


def _too_few(name: str, kind: SignalKind, fewest: int, rows: int, params: DataDriftParams) -> Signal:
    return Signal(
        monitor="data-drift",
        kind=kind,
        subject=name,
        verdict=Verdict.INCONCLUSIVE,
        message=f"{name}: {fewest} rows are too few to compare distributions (needed: {params.min_rows})",
        unit="Jensen-Shannon distance",
        rows=rows,
    )


def _shares(counts: tuple[int, ...]) -> list[float]:
    total = sum(counts)
    return [round(n / total, 6) for n in counts]
