"""A7 `value-measurable`: the hold-out is large enough for the agreed value to show within a few periods."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from scipy.special import ndtri

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import ArmRole
from roadworthy.domain.trust import EvidenceKind
from roadworthy.domain.use_case import Measured
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class ValueMeasurableParams(Params):
    """Volume, patience and error rates: `units_per_period` decisions come in one period (say a week)."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "units_per_period": (1, 1e12),
        "max_periods": (0.001, 1000.0),
        "hopeless_periods": (0.001, 100_000.0),
        "alpha": (0.0001, 0.5),
        "power": (0.5, 0.999),
    }

    units_per_period: float = 10_000.0
    max_periods: float = 4.0
    hopeless_periods: float = 26.0
    alpha: float = 0.05
    power: float = 0.8


class ValueMeasurable(Check):
    """With the planned hold-out and volume, the value agreed in the signed contract shows within `max_periods`.

    Needs:
        contract, deployment, kpi (mean value per unit with interval and n, under the model and under the hold-out
        policy). contract_evidence: the contract's signature.

    Parameters:
        units_per_period (units, default 10000, 1..1e12): decisions in one period, hold-out included.
        max_periods (periods, default 4, 0.001..1000), hopeless_periods (periods, default 26, 0.001..100000).
        alpha (two-sided error rate, default 0.05, 0.0001..0.5), power (share, default 0.8, 0.5..0.999).

    Verdict:
        With s1, s0 the standard deviations per unit under model and hold-out, h the hold-out's share and d the
        contract's target (where that is not positive: the contrast measured on sealed data),
        periods = (z(1 - alpha/2) + z(power))^2 (s1^2/(1-h) + s0^2/h) / d^2 / units_per_period.
        pass when periods <= max_periods; warn when <= hopeless_periods; fail beyond, and fail when there is no
        hold-out: the value is then not measurable at all. A true effect d is missed with probability 1 - power,
        an absent one believed with probability alpha.

    Inconclusive/Error:
        inconclusive when the contract is not signed, the result belongs to another contract, it carries no interval
        to take a variance from, both variances are zero, or neither a target nor a positive contrast is known.

    Example:
        >>> units = units_needed(sd_model=10.0, sd_holdout=10.0, holdout=0.5, effect=1.0, alpha=0.05, power=0.8)
        >>> round(units)
        3140
        >>> round(detectable(3140, sd_model=10.0, sd_holdout=10.0, holdout=0.5, alpha=0.05, power=0.8), 3)
        1.0

    References:
        Lachin 1981 (Controlled Clinical Trials 2), sample size for unequal allocation; Lewis & Rao, The Unfavorable
        Economics of Measuring the Returns to Advertising, QJE 2015.
    """

    id = "value-measurable"
    version = 1
    title = "The business value will be measurable"
    step = Step.A7
    needs = ("contract", "deployment", "kpi")
    defect = DefectKind.KPI_NOT_MET
    params = ValueMeasurableParams

    def evaluate(self, material: Material, params: ValueMeasurableParams) -> Finding:
        """Find the hold-out, the variance and the effect; then count periods."""
        contract, plan, kpi = material.contract, material.deployment, material.kpi
        assert contract is not None  # noqa: S101 - the runner checked `needs`
        assert plan is not None  # noqa: S101 - the runner checked `needs`
        assert kpi is not None  # noqa: S101 - the runner checked `needs`
        share = math.fsum(a.weight for a in plan.arms if a.role is ArmRole.HOLD_OUT)
        if not 0.0 < share < 1.0:
            message = "Not measurable: no share of units is decided without the model, so nothing can be compared."
            return self.finding(Verdict.FAIL, message, reasons=("no-hold-out",), details={"holdout_share": share})
        sd_model, sd_holdout = deviation(kpi.value), deviation(kpi.holdout or kpi.value)
        effect = contract.target if contract.target > 0 else (kpi.contrast.known if kpi.contrast else math.nan)
        conditions = {
            "contract-not-signed": _unsigned(material),
            "result-of-another-contract": kpi.contract != contract.id,
            "no-variance": sd_model is None or sd_holdout is None or sd_model + sd_holdout <= 0.0,
            "no-effect-to-look-for": not 0.0 < effect < math.inf,
        }
        unknown = tuple(code for code, bad in conditions.items() if bad)
        if unknown or sd_model is None or sd_holdout is None:
            message = f"Could not tell whether the value is measurable: {', '.join(unknown)}."
            return self.finding(Verdict.INCONCLUSIVE, message, reasons=unknown)
        spread = {"sd_model": sd_model, "sd_holdout": sd_holdout, "holdout": share}
        return self._judge(params, effect, contract.unit, spread)

    def _judge(self, params: ValueMeasurableParams, effect: float, unit: str, spread: dict[str, float]) -> Finding:
        error = {"alpha": params.alpha, "power": params.power}
        periods = units_needed(effect=effect, **spread, **error) / params.units_per_period
        horizon = params.max_periods * params.units_per_period
        smallest = detectable(horizon, **spread, **error)
        details: dict[str, Any] = {
            "effect": effect,
            "smallest_detectable": smallest,
            "unit": unit,
            "periods_needed": math.ceil(periods),
            **spread,
        }
        if periods <= params.max_periods:
            verdict, reason = Verdict.PASS, ""
        elif periods <= params.hopeless_periods:
            verdict, reason = Verdict.WARN, "slow-to-measure"
        else:
            verdict, reason = Verdict.FAIL, "hold-out-too-small"
        message = (
            f"{effect:.4g} {unit} per unit shows after {math.ceil(periods)} periods; within "
            f"{params.max_periods:g} periods, {smallest:.4g} {unit} would."
        )
        return self.finding(
            verdict,
            message,
            statistic=periods,
            threshold=params.max_periods,
            unit="periods",
            reasons=(reason,) if reason else (),
            details=details,
        )


def units_needed(
    *, sd_model: float, sd_holdout: float, holdout: float, effect: float, alpha: float, power: float
) -> float:
    """Units in all (hold-out included) after which `effect` per unit shows with probability `power`."""
    return _factor(alpha, power) * _variance(sd_model, sd_holdout, holdout) / effect**2


def detectable(
    units: float, *, sd_model: float, sd_holdout: float, holdout: float, alpha: float, power: float
) -> float:
    """The smallest effect per unit that `units` units in all show with probability `power`."""
    return math.sqrt(_factor(alpha, power) * _variance(sd_model, sd_holdout, holdout) / units)


def deviation(measured: Measured) -> float | None:
    """Standard deviation of one unit's value, from a mean's normal interval; None without one."""
    interval = measured.interval
    if interval is None or measured.n < 2 or not 0.0 < interval.level < 1.0:
        return None
    half = (interval.high - interval.low) / 2.0
    found = half / float(ndtri(0.5 + interval.level / 2.0)) * math.sqrt(measured.n)
    return found if math.isfinite(found) and found >= 0.0 else None


def _variance(sd_model: float, sd_holdout: float, holdout: float) -> float:
    return sd_model**2 / (1.0 - holdout) + sd_holdout**2 / holdout


def _factor(alpha: float, power: float) -> float:
    return float(ndtri(1.0 - alpha / 2.0) + ndtri(power)) ** 2


def _unsigned(material: Material) -> bool:
    evidence = material.contract_evidence
    return evidence is None or evidence.kind is not EvidenceKind.KPI_CONTRACT or not evidence.signer.strip()
