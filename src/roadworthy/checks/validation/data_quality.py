"""V6: the data behind the verdicts are what they claim to be, and can carry one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.checks.base import Check, Cost, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import named
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import DatasetRole, ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Bools, Floats, Frame
from roadworthy.statistics.rows import row_keys


@dataclass(frozen=True)
class DataQualityParams(Params):
    """`max_missing`: share of an input without value; `max_overlap`: share of sealed rows also trained on."""

    max_missing: float = 0.30
    max_overlap: float = 0.01
    min_rows: int = 100
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "max_missing": (0.0, 1.0),
        "max_overlap": (0.0, 1.0),
        "min_rows": (2, 1e9),
    }


@dataclass(frozen=True)
class _Fault:
    """One thing wrong with the data: a stable code, and what kind of defect that is."""

    code: str
    defect: DefectKind


class DataQuality(Check):
    """Training and sealed data have a known origin, sane labels and living inputs, and do not share rows.

    Needs:
        `train`, `sealed`, `version`.

    Parameters:
        `max_missing` (share, 0.30, 0..1) of an input's values, in either set; `max_overlap` (share, 0.01, 0..1) of
        sealed rows that are also training rows; `min_rows` (100) in either set.

    Verdict:
        fail on provenance when a set has no source or no digest, the sealed set is not of the sealed role or is
        synthetic (synthetic rows never prove anything about sealed truth); on leakage when both sets have one
        digest, or the share of sealed rows that occur in training (all shared columns and the label equal) >
        max_overlap; on data quality when a label is neither 0 nor 1 or is missing, a set has one class only, an
        input has one value in all training rows, or an input's missing share > max_missing. Pass when none applies.
        These are counts of whole sets, not of samples, so there is no error rate. A sensor that is dead in training
        and wakes up later is exactly what the constant-input rule is for. Few coarse columns repeat by nature:
        raise max_overlap there, with the reason in the playbook.

    Inconclusive/Error:
        inconclusive, when nothing fails, with fewer than `min_rows` rows in a set, an input absent from a set, or
        no shared column.

    Example:
        >>> from dataclasses import replace
        >>> from roadworthy.checks.validation.example import material
        >>> world = material()
        >>> DataQuality().evaluate(world, DataQualityParams()).verdict.value
        'pass'
        >>> drawn = replace(world.sealed, dataset=replace(world.sealed.dataset, synthetic=True))
        >>> DataQuality().evaluate(replace(world, sealed=drawn), DataQualityParams()).reasons
        ('synthetic:sealed',)

    References:
        Kaufman, Rosset & Perlich 2012, ACM TKDD 6; Breck et al., MLSys 2019 (data validation).
    """

    id = "data-quality"
    title = "Data quality and provenance"
    step = Step.V6
    needs = ("train", "sealed", "version")
    cost = Cost.FULL_SCAN
    defect = DefectKind.DATA_QUALITY
    params = DataQualityParams

    def evaluate(self, material: Material, params: DataQualityParams) -> Finding:
        """Judge the claim; see the class."""
        train, sealed, version = material.train, material.sealed, material.version
        assert train and sealed and version  # noqa: S101, PT018 - the runner saw to the needs
        sets = {"train": train, "sealed": sealed}
        overlap = _overlap(train, sealed)
        missing = _missing(sets, version)
        faults = [*_origin(train, sealed), *_labels(sets), *_constants(train, version)]
        unclear = [f"too-few-rows:{n}" for n, d in sets.items() if d.frame.n_rows < params.min_rows]
        unclear += [
            f"input-missing:{c}" for c in version.signature.names if not (c in train.frame and c in sealed.frame)
        ]
        shares = [
            (f"too-much-missing:{c}", k, n, params.max_missing, DefectKind.DATA_QUALITY) for c, k, n in missing
        ]
        if overlap is None:
            unclear.append("no-shared-columns")
        else:
            shares.append(("train-rows-in-sealed", overlap, sealed.frame.n_rows, params.max_overlap, _LEAK))
        faults += [_Fault(code, defect) for code, k, n, limit, defect in shares if k > limit * n]
        return self._judged(faults, unclear, overlap, missing, sealed.frame.n_rows, params)

    def _judged(
        self,
        faults: list[_Fault],
        unclear: list[str],
        overlap: int | None,
        missing: list[tuple[str, int, int]],
        rows: int,
        params: DataQualityParams,
    ) -> Finding:
        verdict = Verdict.FAIL if faults else Verdict.INCONCLUSIVE if unclear else Verdict.PASS
        codes = [f.code for f in faults] if faults else unclear
        share = overlap / rows if overlap is not None and rows else None
        told = "No defect found." if not codes else f"{len(codes)} found: {named(codes)}."
        return self.finding(
            verdict,
            f"Data: {told}",
            statistic=share,
            threshold=params.max_overlap,
            unit="share of sealed rows also in training",
            rows=rows,
            reasons=tuple(codes[:50]),
            defect=faults[0].defect if faults else None,
            details={"missing": [{"column": c, "missing": k, "rows": n} for c, k, n in missing if k][:50]},
        )


_LEAK = DefectKind.LEAKAGE


def shared_rows(train: Frame, train_y: Floats, sealed: Frame, sealed_y: Floats) -> int | None:
    """How many sealed rows equal a training row in all shared columns and the label; None without such columns."""
    columns = [n for n in sealed.names if n in train]
    if not columns:
        return None
    known = set(_rows(train.select(columns), train_y))
    return sum(1 for row in _rows(sealed.select(columns), sealed_y) if row in known)


def _rows(frame: Frame, y: Floats) -> list[tuple[object, ...]]:
    """Rows with their labels as hashable tuples."""
    return [(*row, label) for row, label in zip(row_keys(frame), y.tolist(), strict=True)]


def _overlap(train: Labelled, sealed: Labelled) -> int | None:
    return shared_rows(train.frame, train.y, sealed.frame, sealed.y)


def _origin(train: Labelled, sealed: Labelled) -> list[_Fault]:
    found = []
    for name, data in (("train", train), ("sealed", sealed)):
        if not data.dataset.source.strip():
            found.append(_Fault(f"no-source:{name}", DefectKind.PROVENANCE))
        if not data.dataset.digest.strip():
            found.append(_Fault(f"no-digest:{name}", DefectKind.PROVENANCE))
    if sealed.dataset.role is not DatasetRole.SEALED:
        found.append(_Fault("not-sealed:sealed", DefectKind.PROVENANCE))
    if sealed.dataset.synthetic:
        found.append(_Fault("synthetic:sealed", DefectKind.PROVENANCE))
    if sealed.dataset.digest == train.dataset.digest and train.dataset.digest.strip():
        found.append(_Fault("same-data", DefectKind.LEAKAGE))
    return found


def _labels(sets: dict[str, Labelled]) -> list[_Fault]:
    found = []
    for name, data in sets.items():
        strange = ~np.isin(data.y, (0.0, 1.0))
        if strange.any():
            code = "label-missing" if np.isnan(data.y).any() else "label-not-0-or-1"
            found.append(_Fault(f"{code}:{name}", DefectKind.DATA_QUALITY))
        elif len(Counter(data.y.tolist())) < 2 and len(data.y) > 1:
            found.append(_Fault(f"one-class:{name}", DefectKind.DATA_QUALITY))
    return found


def _constants(train: Labelled, version: ModelVersion) -> list[_Fault]:
    """Inputs with one value in all training rows; an input without any value counts as constant."""
    if train.frame.n_rows < 2:
        return []
    names = [n for n in version.signature.names if n in train.frame]
    return [_Fault(f"constant:{n}", DefectKind.DATA_QUALITY) for n in names if _is_constant(train.frame, n)]


def _is_constant(frame: Frame, name: str) -> bool:
    absent: Bools = frame.missing(name)
    values = frame[name][~absent]
    if len(values) == 0:
        return True
    return not absent.any() and bool((values == values[0]).all())


def _missing(sets: dict[str, Labelled], version: ModelVersion) -> list[tuple[str, int, int]]:
    """(set.column, rows without a value, rows) of every input in either set."""
    return [
        (f"{name}.{column}", int(data.frame.missing(column).sum()), data.frame.n_rows)
        for name, data in sets.items()
        for column in version.signature.names
        if column in data.frame
    ]
