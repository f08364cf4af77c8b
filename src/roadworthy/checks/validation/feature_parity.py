"""V7: the model's inputs are documented, are what training saw, and exist when the decision is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Labelled, Material
from roadworthy.checks.validation.judging import named
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ColumnSpec, DType, ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Frame


@dataclass(frozen=True)
class FeatureParityParams(Params):
    """`max_outside`: share of training rows an input may have outside its declared range or categories."""

    max_outside: float = 0.0
    min_rows: int = 20
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"max_outside": (0.0, 0.5), "min_rows": (1, 1e9)}


class FeatureParity(Check):
    """The declared inputs are those of the training data, in type and range, and none comes from the future.

    Needs:
        `train`, `version`, `use_case`; `sealed` where given must have the inputs too.

    Parameters:
        `max_outside` (share of training rows, 0, 0..0.5) that an input may have outside its declared low..high or
        its declared categories; `min_rows` (20).

    Verdict:
        fail when the version names no original variables; an input is absent from the training data (or the sealed
        data), has another type than declared, has missing values without allowing them, or lies outside its
        declaration in more than max_outside of the rows; the training data are not the version's (provenance); an
        input or original variable is the target, is the time column or is not known at the decision (leakage: a
        training set that is not point-in-time correct). Warn when no code revision is recorded: the features cannot
        be built again. Pass otherwise. An exact comparison, so no error rate.

    Inconclusive/Error:
        inconclusive with fewer than `min_rows` training rows or no inputs at all.

    Example:
        >>> from dataclasses import replace
        >>> from roadworthy.checks.validation.example import material
        >>> world = material()
        >>> FeatureParity().evaluate(world, FeatureParityParams()).verdict.value
        'pass'
        >>> blank = replace(world.version, original_variables=())
        >>> FeatureParity().evaluate(replace(world, version=blank), FeatureParityParams()).reasons
        ('no-original-variables',)

    References:
        Breck et al., MLSys 2019 (training-serving skew); Kaufman, Rosset & Perlich 2012, ACM TKDD 6 (legitimate
        features).
    """

    id = "feature-parity"
    title = "Features are documented and point-in-time correct"
    step = Step.V7
    needs = ("train", "version", "use_case")
    defect = DefectKind.CONTRACT_MISMATCH
    params = FeatureParityParams

    def evaluate(self, material: Material, params: FeatureParityParams) -> Finding:
        """Judge the claim; see the class."""
        train, version, use_case = material.train, material.version, material.use_case
        assert train and version and use_case  # noqa: S101, PT018 - the runner saw to the needs
        future = _from_the_future(version, use_case)
        origin = _origin(version, train)
        shape = _shape(version, train.frame, material.sealed, params)
        faults = [*future, *origin, *shape]
        rows = train.frame.n_rows
        details = {"inputs": list(version.signature.names), "original_variables": list(version.original_variables)}
        if faults:
            kind = DefectKind.LEAKAGE if future else DefectKind.PROVENANCE if origin else self.defect
            return self.finding(
                Verdict.FAIL,
                f"{len(faults)} of the features' promises do not hold: {named(faults)}.",
                statistic=float(len(faults)),
                threshold=0.0,
                unit="broken promises",
                rows=rows,
                reasons=tuple(faults[:50]),
                defect=kind,
                details=details,
            )
        if rows < params.min_rows or not version.signature.inputs:
            message = f"{rows} training rows and {len(version.signature.inputs)} inputs are too few to compare."
            reasons = ("too-few-rows",) if version.signature.inputs else ("no-inputs",)
            return self.finding(Verdict.INCONCLUSIVE, message, rows=rows, reasons=reasons)
        undated = not version.code_revision.strip()
        ending = "but no code revision is recorded" if undated else f"built by revision {version.code_revision}"
        return self.finding(
            Verdict.WARN if undated else Verdict.PASS,
            f"{len(version.signature.inputs)} inputs agree with {rows} training rows, {ending}.",
            statistic=0.0,
            threshold=0.0,
            unit="broken promises",
            rows=rows,
            reasons=("no-code-revision",) if undated else (),
            details=details,
        )


def _from_the_future(version: ModelVersion, use_case: UseCase) -> list[str]:
    used = dict.fromkeys((*version.signature.names, *version.original_variables))
    banned = {use_case.target: "is-the-target", use_case.time_column: "is-the-time-column"}
    banned |= dict.fromkeys(use_case.not_known_at_decision, "not-known-at-decision")
    return [f"{banned[c]}:{c}" for c in used if c and c in banned]


def _origin(version: ModelVersion, train: Labelled) -> list[str]:
    return [] if version.train_dataset == train.dataset.id else [f"other-training-data:{train.dataset.id}"]


def _shape(version: ModelVersion, train: Frame, sealed: Labelled | None, params: FeatureParityParams) -> list[str]:
    """Codes of what the signature says about the training data and is not so."""
    found = [] if version.original_variables else ["no-original-variables"]
    for spec in version.signature.inputs:
        if sealed is not None and spec.name not in sealed.frame:
            found.append(f"absent-from-sealed:{spec.name}")
        if spec.name not in train:
            found.append(f"absent:{spec.name}")
        elif not _is_of_type(train, spec):
            found.append(f"not-{spec.dtype.value}:{spec.name}")
        else:
            found += _outside(train, spec, params)
    return found


def _is_of_type(frame: Frame, spec: ColumnSpec) -> bool:
    """Whether a column can hold what is declared; whole numbers with gaps reach us as floats."""
    return _HOLDS[spec.dtype](frame, spec.name)


def _whole(frame: Frame, name: str) -> bool:
    values = frame[name]
    if values.dtype.kind in "iu":
        return True
    if values.dtype.kind != "f" or not frame.missing(name).any():
        return False
    present = values[~np.isnan(values)]
    return bool((present == np.floor(present)).all())


def _truth(frame: Frame, name: str) -> bool:
    values = frame[name]
    if values.dtype.kind != "f" or not frame.missing(name).any():
        return values.dtype.kind == "b"
    return bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())


_HOLDS: dict[DType, Callable[[Frame, str], bool]] = {
    DType.FP64: lambda frame, name: frame[name].dtype.kind in "fiu",
    DType.INT64: _whole,
    DType.BOOL: _truth,
    DType.BYTES: lambda frame, name: frame[name].dtype.kind == "O",
}


def _outside(frame: Frame, spec: ColumnSpec, params: FeatureParityParams) -> list[str]:
    absent = frame.missing(spec.name)
    found = [f"missing-not-allowed:{spec.name}"] if absent.any() and not spec.missing_allowed else []
    values = frame[spec.name][~absent]
    if spec.dtype is DType.BYTES:
        strange = np.array([bool(spec.categories) and v not in spec.categories for v in values], dtype=np.bool_)
    elif spec.dtype is DType.BOOL:
        return found
    else:
        low = -np.inf if spec.low is None else spec.low
        high = np.inf if spec.high is None else spec.high
        strange = ~((values >= low) & (values <= high))
    if strange.sum() > params.max_outside * frame.n_rows:
        found.append(f"outside-declared:{spec.name}")
    return found
