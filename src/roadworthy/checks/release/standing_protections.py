"""R1 `standing-protections`: what the gateway will do against misuse is known, and is what the risk tier asks for."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.standing.protection import OutsideRange, ProtectionTerms
from roadworthy.domain.use_case import RiskTier
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class StandingProtectionsParams(Params):
    """None: what each tier needs is in the verdict rule."""


class StandingProtections(Check):
    """The protections that will stand before the endpoint are those the risk tier asks for.

    Needs:
        playbook, use_case; the endpoint, when one is named, has terms of its own.

    Parameters:
        none.

    Verdict:
        fail when the tier is high and there is no budget per client or no detector; warn when the tier is medium and
        there is no detector; pass otherwise, naming what will run. Terms are compared, nothing is estimated: no error
        rate. How often the detectors see attacks, and honest clients by mistake, was measured: see the guide for
        operators.

    Inconclusive/Error:
        inconclusive without a playbook.

    Example:
        >>> gaps(ProtectionTerms(), RiskTier.HIGH)
        ('no-budget', 'no-detector')
        >>> gaps(ProtectionTerms(), RiskTier.LOW)
        ()

    References:
        Juuti, Szyller, Marchal & Asokan 2019, EuroS&P (PRADA); OWASP Machine Learning Security Top 10, ML05 (model
        theft) and ML01 (input manipulation).
    """

    id = "standing-protections"
    version = 1
    title = "Standing protections are named"
    step = Step.R1
    needs = ("playbook", "use_case")
    defect = DefectKind.OPERATIONS_GAP
    params = StandingProtectionsParams

    def evaluate(self, material: Material, params: StandingProtectionsParams) -> Finding:  # noqa: ARG002 - none
        """Hold the endpoint's terms against its tier."""
        playbook, case, endpoint = material.playbook, material.use_case, material.endpoint
        assert playbook is not None  # noqa: S101 - the runner checked `needs`
        assert case is not None  # noqa: S101 - the runner checked `needs`
        terms = playbook.protection_of(endpoint.id if endpoint else "")
        runs, lacking = running(terms), gaps(terms, case.risk_tier)
        verdict = Verdict.PASS if not lacking else _LACKING[case.risk_tier]
        short = (
            f" A use case of {case.risk_tier.value} risk asks for more: {', '.join(lacking)}." if lacking else ""
        )
        message = f"Will run: {', '.join(runs) or 'nothing'}.{short}"
        return self.finding(verdict, message, reasons=lacking, details={"runs": list(runs), "reason": terms.reason})


_LACKING = {RiskTier.LOW: Verdict.PASS, RiskTier.MEDIUM: Verdict.WARN, RiskTier.HIGH: Verdict.FAIL}


def gaps(terms: ProtectionTerms, tier: RiskTier) -> tuple[str, ...]:
    """What a tier asks for and the terms lack, as reason codes."""
    conditions = {
        "no-budget": tier is RiskTier.HIGH and terms.rows_per_minute is None,
        "no-detector": tier is not RiskTier.LOW and not terms.detectors,
    }
    return tuple(code for code, bad in conditions.items() if bad)


def running(terms: ProtectionTerms) -> tuple[str, ...]:
    """What will run, in words."""
    return (
        *((f"budget of {terms.rows_per_minute:g} rows per minute and client",) if terms.rows_per_minute else ()),
        *(f"detector '{name}'" for name in terms.detectors),
        *(
            (f"{terms.outside.value} rows outside the training range",)
            if terms.outside is not OutsideRange.PASS
            else ()
        ),
        *((f"scores rounded to {terms.score_digits} digits",) if terms.score_digits is not None else ()),
    )
