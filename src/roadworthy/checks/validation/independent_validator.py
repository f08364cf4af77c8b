"""V9: somebody who did not build the version can judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.checks.validation.judging import named
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class IndependentValidatorParams(Params):
    """`min_validators`: how many independent people must be there to sign."""

    min_validators: int = 1
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"min_validators": (1, 10)}


class IndependentValidator(Check):
    """At least `min_validators` people who may validate developed neither this version nor one of its parents.

    Needs:
        `version` (its developers). `validators` lists those with the validator's role who developed none of the
        version's parents; an empty list is an answer (there is nobody), not a gap in what could be looked at.

    Parameters:
        `min_validators` (people, 1, 1..10).

    Verdict:
        pass when at least min_validators of `validators` are not among the version's developers, fail otherwise
        (operations-gap). Ids are compared without case and outer spaces, so that `Vera` is not independent of
        `vera`. The sign-off itself comes after the gate, over the evidence; this check says that an independent one
        is possible. Exact, so no error rate.

    Inconclusive/Error:
        inconclusive when the version names no developers: independence of nobody proves nothing.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> IndependentValidator().evaluate(material(), IndependentValidatorParams()).verdict.value
        'pass'
        >>> same = material(validators=("Dora",))
        >>> IndependentValidator().evaluate(same, IndependentValidatorParams()).reasons
        ('no-independent-validator',)

    References:
        SR 11-7, Guidance on Model Risk Management, Federal Reserve 2011, section V (superseded by SR 26-2, which
        keeps independent validation).
    """

    id = "independent-validator"
    title = "An independent validator exists"
    step = Step.V9
    needs = ("version",)
    defect = DefectKind.OPERATIONS_GAP
    params = IndependentValidatorParams

    def evaluate(self, material: Material, params: IndependentValidatorParams) -> Finding:
        """Judge the claim; see the class."""
        version = material.version
        assert version is not None  # noqa: S101 - the runner saw to the needs
        developers = {_same(d) for d in version.developers} - {""}
        if not developers:
            message = "The version names no developers, so nobody can be shown to be independent of them."
            return self.finding(Verdict.INCONCLUSIVE, message, reasons=("no-developers",))
        free = sorted({_same(v) for v in material.validators} - developers - {""})
        enough = len(free) >= params.min_validators
        told = named(free) or "nobody"
        return self.finding(
            Verdict.PASS if enough else Verdict.FAIL,
            f"Independent of {named(sorted(developers))}: {told} (needed: {int(params.min_validators)}).",
            statistic=float(len(free)),
            threshold=float(params.min_validators),
            unit="people",
            reasons=() if enough else ("no-independent-validator" if not free else "too-few-validators",),
            details={"independent": free[:50], "developers": sorted(developers)[:50]},
        )


def _same(person: str) -> str:
    return person.strip().casefold()
