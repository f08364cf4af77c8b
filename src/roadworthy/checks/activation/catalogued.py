"""A1 `catalogued`: whoever finds this version in a year can tell what it is, and who put it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import DatasetRole, ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import Change
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class CataloguedParams(Params):
    """`min_description`: fewest characters that count as a description."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"min_description": (1, 10_000)}

    min_description: int = 10


class Catalogued(Check):
    """The version is documented down to its original variables, and the change record and evidence know it.

    Needs:
        version, changes, evidence; train, where given, must be the data set the version names.

    Parameters:
        min_description (characters, default 10, 1..10000): shorter texts, blanks trimmed, do not describe anything.

    Verdict:
        pass when description, original variables, training data set, code revision, environment and developers are
        recorded, a change registers this version, and signed evidence names it; fail otherwise, with one reason per
        missing thing. Records are compared, nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive when the change record or the evidence was not given at all.

    Example:
        >>> from datetime import UTC, datetime
        >>> from roadworthy.domain.model import ArtifactFormat, Signature
        >>> bare = ModelVersion(
        ...     "m-1", "uc", "m", 1, "sha256:aa", ArtifactFormat.ONNX, Signature(()), 0.5, (), "data-1",
        ...     datetime(2026, 1, 1, tzinfo=UTC), description="too short",
        ... )
        >>> undocumented(bare, min_description=10)
        ('description', 'original-variables', 'code-revision', 'environment', 'developers')

    References:
        Mitchell et al., Model Cards for Model Reporting, FAT* 2019, arXiv 1810.03993.
    """

    id = "catalogued"
    version = 1
    title = "Documented, versioned and in the change record"
    step = Step.A1
    needs = ("version", "changes", "evidence")
    defect = DefectKind.OPERATIONS_GAP
    params = CataloguedParams

    def evaluate(self, material: Material, params: CataloguedParams) -> Finding:
        """Name everything that is missing, at once."""
        version = material.version
        assert version is not None  # noqa: S101 - the runner checked `needs`
        missing = [f"missing:{name}" for name in undocumented(version, params.min_description)]
        if not any(registers(change, version) for change in material.changes):
            missing.append("not-in-the-change-record")
        if not any(e.version == version.id for e in material.evidence):
            missing.append("no-signed-evidence")
        missing += _training_data_gaps(material, version)
        reasons = tuple(missing)
        described = {"version": version.id, "missing": list(reasons), "changes": len(material.changes)}
        if reasons:
            return self.finding(
                Verdict.FAIL,
                f"{version.id} is not fully catalogued: {', '.join(reasons)}.",
                statistic=float(len(reasons)),
                threshold=0.0,
                unit="gaps",
                reasons=reasons,
                details=described,
            )
        message = f"{version.id} is documented, registered and evidenced."
        return self.finding(Verdict.PASS, message, statistic=0.0, threshold=0.0, unit="gaps", details=described)


def undocumented(version: ModelVersion, min_description: int) -> tuple[str, ...]:
    """Which of the catalogue's fields the version leaves empty; blanks do not count as content."""
    recorded = {
        "description": len(version.description.strip()) >= min_description,
        "original-variables": any(v.strip() for v in version.original_variables),
        "training-data": bool(version.train_dataset.strip()),
        "code-revision": bool(version.code_revision.strip()),
        "environment": any(k.strip() and v.strip() for k, v in version.environment.items()),
        "developers": any(d.strip() for d in version.developers),
    }
    return tuple(name for name, there in recorded.items() if not there)


def registers(change: Change, version: ModelVersion) -> bool:
    """Whether a change is the registration of exactly this version (and, where it says so, of these bytes)."""
    named = change.subject == version.id and "register" in change.action
    return named and change.facts.get("artifact", version.artifact) == version.artifact


def _training_data_gaps(material: Material, version: ModelVersion) -> list[str]:
    if material.train is None:
        return []
    dataset = material.train.dataset
    conditions = {
        "training-data-differs": dataset.id != version.train_dataset or dataset.role is not DatasetRole.TRAIN,
        "training-data-without-digest": not dataset.digest.strip(),
    }
    return [code for code, bad in conditions.items() if bad]
