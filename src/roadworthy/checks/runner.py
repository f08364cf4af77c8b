"""Runs one planned check over the material, and never lets a check take the gate down."""

from __future__ import annotations

from dataclasses import replace

from roadworthy.checks.material import Material
from roadworthy.checks.registry import check_named
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Finding, PlannedCheck, Playbook, Step
from roadworthy.domain.verdict import Verdict


def run_check(planned: PlannedCheck, material: Material) -> Finding:
    """The finding of one check: `inconclusive` without what it needs, `error` when it raises."""
    check = check_named(planned.check)
    params = check.params.read(planned.params, check.id)
    lacking = [name for name in check.needs if not _has(material, name)]
    if lacking:
        return check.finding(
            Verdict.INCONCLUSIVE,
            f"Could not check: there is no {', no '.join(n.replace('_', ' ') for n in lacking)}.",
            reasons=tuple(f"missing:{name}" for name in lacking),
        )
    try:
        return check().evaluate(material, params)
    except RoadworthyError as problem:
        return check.finding(Verdict.ERROR, str(problem), reasons=(problem.code,))
    except Exception as problem:  # noqa: BLE001 - a broken check is a finding, whatever it raises
        return check.finding(
            Verdict.ERROR, f"The check itself broke: {type(problem).__name__}: {problem}", reasons=("check-raised",)
        )


def unchecked(step: Step) -> Finding:
    """The finding of a step for which the playbook configures no check."""
    return Finding(
        step=step,
        check="*",
        check_version=1,
        verdict=Verdict.INCONCLUSIVE,
        message="No check configured.",
        reasons=("no-check-configured",),
    )


def with_waiver(finding: Finding, playbook: Playbook) -> Finding:
    """The finding, waived when the playbook names it and it needs waiving."""
    waiver = playbook.waiver_for(finding.step, finding.check)
    if waiver is None or finding.verdict.lets_through:
        return finding
    return replace(finding, waived=waiver.reason)


def _has(material: Material, name: str) -> bool:
    value = getattr(material, name)
    if value is None:
        return False
    return not (isinstance(value, tuple | dict) and len(value) == 0 and name not in _MAY_BE_EMPTY)


_MAY_BE_EMPTY = frozenset({"signals"})
