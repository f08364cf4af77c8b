"""V1: the KPI contract, signed before results existed, holds on sealed data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.checks.validation.judging import all_of, at_least, at_most, named
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import EvidenceKind
from roadworthy.domain.use_case import Bound, Interval, KpiContract, KpiLimit, KpiResult, Measured
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class KpiContractParams(Params):
    """`level`: lowest level an interval may have (0.5..0.999); `min_rows`: fewest decisions per number."""

    level: float = 0.95
    min_rows: int = 100
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"level": (0.5, 0.999), "min_rows": (2, 1e9)}


@dataclass(frozen=True)
class _Part:
    """One promise of the contract and how it came out."""

    name: str
    verdict: Verdict
    why: str
    defect: DefectKind
    facts: dict[str, Any]


class KpiContractHolds(Check):
    """The model earns at least the contract's target above the hold-out policy, and breaks none of its limits.

    Needs:
        `contract`, `contract_evidence` (its signature), `kpi` (the contract computed on sealed data).

    Parameters:
        `level` (share, 0.95, 0.5..0.999), the lowest level an interval may have; `min_rows` (decisions, 100,
        2..1e9) behind each number.

    Verdict:
        pass when the contrast's lower limit >= target and every limit's interval lies wholly on its allowed side;
        fail when the contrast's upper limit < target (kpi-not-met), an interval lies wholly beyond its limit
        (unintended-outcome), or the contract was signed after a result of it was known (kpi-not-met). A result on
        other sealed rows than these is none of them: under a new contract a version is judged on new rows. All promises
        must hold, so no correction for their number is due: a false pass has probability <= (1 - level) / 2
        (intersection-union).

    Inconclusive/Error:
        inconclusive without a contrast (no hold-out), without an interval, with one of too low a level or too few
        decisions, when a limit was not measured, when the result belongs to another contract, or when an interval
        lies across its bound.

    Example:
        >>> from roadworthy.checks.validation.example import material
        >>> found = KpiContractHolds().evaluate(material(), KpiContractParams())
        >>> found.verdict.value, found.statistic, found.threshold
        ('pass', 1.5, 1.0)

    References:
        Berger 1982, Technometrics 24 (intersection-union tests); DESIGN section 1, V1.
    """

    id = "kpi-contract"
    version = 2
    title = "The KPI contract holds on sealed data"
    step = Step.V1
    needs = ("contract", "contract_evidence", "kpi")
    defect = DefectKind.KPI_NOT_MET
    params = KpiContractParams

    def evaluate(self, material: Material, params: KpiContractParams) -> Finding:
        """Judge the claim; see the class."""
        contract, kpi = material.contract, material.kpi
        assert contract is not None and kpi is not None  # noqa: S101, PT018 - the runner saw to the needs
        refused = self._refused(material, contract, kpi)
        if refused is not None:
            return refused
        parts = (_target(contract, kpi, params), *_limits(contract, kpi, params))
        verdict = all_of(p.verdict for p in parts)
        open_parts = [p for p in parts if p.verdict is verdict and verdict is not Verdict.PASS]
        contrast = kpi.contrast
        return self.finding(
            verdict,
            _sentence(verdict, open_parts, contract, contrast),
            statistic=contrast.value if contrast else None,
            interval=contrast.interval if contrast else None,
            threshold=contract.target,
            unit=contract.unit,
            rows=kpi.value.n,
            reasons=tuple(p.why for p in open_parts),
            defect=open_parts[0].defect if open_parts else None,
            details={"parts": [{"name": p.name, "verdict": p.verdict.value, **p.facts} for p in parts]},
        )

    def _refused(self, material: Material, contract: KpiContract, kpi: KpiResult) -> Finding | None:
        """The finding for papers that make the numbers worthless, whatever they are."""
        evidence = material.contract_evidence
        assert evidence is not None  # noqa: S101 - the runner saw to the needs
        if evidence.kind is not EvidenceKind.KPI_CONTRACT:
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"The evidence given is a {evidence.kind.value}, not the signature of the KPI contract.",
                reasons=("not-a-contract-signature",),
            )
        if kpi.contract != contract.id:
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"The result was computed for contract {kpi.contract}, the one in force is {contract.id}.",
                reasons=("other-contract",),
            )
        rows = material.sealed.dataset.id if material.sealed is not None else ""
        known = [
            run.id
            for run in material.earlier_runs
            if run.started_at < evidence.created_at and _saw_kpi(run) and _on(run, rows)
        ]
        if known or evidence.created_at > material.now:
            what = f"run {named(known)} had measured it" if known else "this run started"
            return self.finding(
                Verdict.FAIL,
                f"The contract was signed after {what}: a target chosen by its result proves nothing.",
                reasons=("signed-after-results",),
                details={"signed_at": evidence.created_at.isoformat(), "earlier_runs": known},
            )
        return None


def _saw_kpi(run: Any) -> bool:
    return any(f.check == KpiContractHolds.id and f.statistic is not None for f in run.findings)


def _on(run: Any, sealed: str) -> bool:
    """Whether a run looked at this sealed data; one that does not say which counts as if it had."""
    return run.inputs.get("sealed", sealed) == sealed or not sealed


def _target(contract: KpiContract, kpi: KpiResult, params: KpiContractParams) -> _Part:
    facts: dict[str, Any] = {"bound": contract.target, "unit": contract.unit}
    if kpi.contrast is None:
        return _Part("target", Verdict.INCONCLUSIVE, "not-measurable", DefectKind.KPI_NOT_MET, facts)
    lacking = _lacking(kpi.contrast, params)
    if isinstance(lacking, str):
        return _Part("target", Verdict.INCONCLUSIVE, lacking, DefectKind.KPI_NOT_MET, facts)
    verdict = at_least(lacking, contract.target)
    why = {Verdict.FAIL: "target-missed", Verdict.INCONCLUSIVE: "target-not-proven"}.get(verdict, "")
    return _Part("target", verdict, why, DefectKind.KPI_NOT_MET, {**facts, **_facts(kpi.contrast)})


def _limits(contract: KpiContract, kpi: KpiResult, params: KpiContractParams) -> list[_Part]:
    measured = {result.limit.name: result.measured for result in kpi.limits}
    return [
        _limit(limit, measured.get(limit.name), params) for limit in (*contract.guardrails, *contract.unintended)
    ]


def _limit(limit: KpiLimit, measured: Measured | None, params: KpiContractParams) -> _Part:
    defect = DefectKind.UNINTENDED_OUTCOME
    facts: dict[str, Any] = {"bound": limit.limit, "side": limit.bound.value, "unit": limit.unit}
    if measured is None:
        return _Part(limit.name, Verdict.INCONCLUSIVE, f"not-measured:{limit.name}", defect, facts)
    lacking = _lacking(measured, params)
    if isinstance(lacking, str):
        return _Part(limit.name, Verdict.INCONCLUSIVE, f"{lacking}:{limit.name}", defect, facts)
    judge = at_least if limit.bound is Bound.AT_LEAST else at_most
    verdict = judge(lacking, limit.limit)
    why = {Verdict.FAIL: "limit-broken", Verdict.INCONCLUSIVE: "limit-not-proven"}.get(verdict, "")
    return _Part(limit.name, verdict, f"{why}:{limit.name}" if why else "", defect, {**facts, **_facts(measured)})


def _lacking(measured: Measured, params: KpiContractParams) -> Interval | str:
    """The interval to judge by, or the code of what it lacks."""
    if measured.interval is None:
        return "no-interval"
    if measured.interval.level < params.level:
        return "level-too-low"
    return measured.interval if measured.n >= params.min_rows else "too-few-rows"


def _facts(measured: Measured) -> dict[str, Any]:
    interval = measured.interval
    return {
        "value": measured.value,
        "n": measured.n,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }


def _sentence(verdict: Verdict, parts: list[_Part], contract: KpiContract, contrast: Measured | None) -> str:
    if contrast is None or contrast.interval is None:
        earned = "What the model earns above the hold-out policy was not measurable"
    else:
        low, high = contrast.interval.low, contrast.interval.high
        earned = (
            f"The model earns {contrast.value:.4g} {contract.unit} per decision above the hold-out policy "
            f"({low:.4g} to {high:.4g}), the target is {contract.target:.4g}"
        )
    ending = {
        Verdict.PASS: "every promise holds",
        Verdict.FAIL: f"broken: {named(p.name for p in parts)}",
    }.get(verdict, f"not proven: {named(p.name for p in parts)}")
    return f"{earned}; {ending}."
