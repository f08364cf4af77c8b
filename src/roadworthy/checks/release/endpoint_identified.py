"""R3 `endpoint-identified`: it is known where a score turns into an action, and what goes in and out there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class EndpointIdentifiedParams(Params):
    """None: an endpoint is identified or it is not."""


class EndpointIdentified(Check):
    """The endpoint belongs to a declared decision point with a kind and a consumer, and its contract is typed.

    Needs:
        endpoint, use_case, version.

    Parameters:
        none.

    Verdict:
        fail when the endpoint or the version belongs to another use case, the decision point is not declared
        (exactly once) or names no consumer, or the signature has no input, repeated names, a low bound above the
        high one, or no output name; pass otherwise. Records are compared, nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive when there is no endpoint to look at.

    Example:
        >>> twice = ColumnSpec("age", DType.INT64)
        >>> signature_gaps(Signature((twice, twice), output=""))
        ('inputs-repeat', 'output-not-named')

    References:
        Open Inference Protocol v2, model metadata (typed inputs and outputs).
    """

    id = "endpoint-identified"
    version = 1
    title = "The decision point is named and typed"
    step = Step.R3
    needs = ("endpoint", "use_case", "version")
    defect = DefectKind.OPERATIONS_GAP
    params = EndpointIdentifiedParams

    def evaluate(self, material: Material, params: EndpointIdentifiedParams) -> Finding:  # noqa: ARG002 - none
        """Compare the endpoint with the use case, then read the signature."""
        endpoint, use_case, version = material.endpoint, material.use_case, material.version
        assert endpoint is not None  # noqa: S101 - the runner checked `needs`
        assert use_case is not None  # noqa: S101 - the runner checked `needs`
        assert version is not None  # noqa: S101 - the runner checked `needs`
        where = endpoint_gaps(endpoint, use_case)
        if version.use_case != use_case.id:
            where += ("version-of-another-use-case",)
        contract = signature_gaps(version.signature)
        reasons = where + contract
        details = {
            "endpoint": endpoint.id,
            "decision_point": endpoint.decision_point,
            "declared": [p.name for p in use_case.decision_points],
            "inputs": {c.name: c.dtype.value for c in version.signature.inputs},
            "output": version.signature.output,
        }
        if reasons:
            return self.finding(
                Verdict.FAIL,
                f"Endpoint '{endpoint.id}' is not identified: {', '.join(reasons)}.",
                reasons=reasons,
                details=details,
                defect=None if where else DefectKind.CONTRACT_MISMATCH,
            )
        point = next(p for p in use_case.decision_points if p.name == endpoint.decision_point)
        message = f"'{endpoint.id}' decides for {point.consumer} ({point.kind.value}), contract typed."
        return self.finding(Verdict.PASS, message, details=details)


def endpoint_gaps(endpoint: Endpoint, use_case: UseCase) -> tuple[str, ...]:
    """How the endpoint's decision point falls short of the use case, as reason codes."""
    points = [p for p in use_case.decision_points if p.name == endpoint.decision_point]
    conditions = {
        "endpoint-of-another-use-case": endpoint.use_case != use_case.id,
        "decision-point-not-declared": not points,
        "decision-point-declared-twice": len(points) > 1,
        "consumer-not-named": any(not p.consumer.strip() for p in points),
    }
    return tuple(code for code, bad in conditions.items() if bad)


def signature_gaps(signature: Signature) -> tuple[str, ...]:
    """What keeps a signature from being a contract, as reason codes."""
    names = Counter(signature.names)
    conditions = {
        "no-inputs": not signature.inputs,
        "inputs-not-named": any(not name.strip() for name in names),
        "inputs-repeat": any(n > 1 for n in names.values()),
        "range-upside-down": any(_upside_down(c) for c in signature.inputs),
        "output-not-named": not signature.output.strip(),
    }
    return tuple(code for code, bad in conditions.items() if bad)


def _upside_down(column: ColumnSpec) -> bool:
    if column.dtype not in (DType.FP64, DType.INT64) or column.low is None or column.high is None:
        return False
    return column.low > column.high
