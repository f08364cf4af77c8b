"""Runs one planned check over the material, and never lets a check take the gate down."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from roadworthy.checks.material import Material
from roadworthy.checks.registry import check_named
from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.gate import Finding, PlannedCheck, Playbook, Step
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict


def run_check(planned: PlannedCheck, material: Material) -> Finding:
    """The finding of one check: `inconclusive` without what it needs, `error` when it raises."""
    check = check_named(planned.check)
    params = check.params.read(planned.params, check.id)
    try:
        lacking = [name for name in check.needs if not _has(material, name)]
        if lacking:
            return check.finding(
                Verdict.INCONCLUSIVE,
                f"Could not check: there is no {', no '.join(n.replace('_', ' ') for n in lacking)}.",
                reasons=tuple(f"missing:{name}" for name in lacking),
            )
        return finite(check().evaluate(material, params))
    except (Exception, SystemExit) as problem:  # noqa: BLE001 - a broken check is a finding, whatever it raises
        return broken(planned, problem)


def broken(planned: PlannedCheck, problem: BaseException) -> Finding:
    """The finding of a check that could not be carried out: it raised, or what it needs could not be gathered."""
    check = check_named(planned.check)
    if _out_of_memory(problem):
        return stopped(planned, "memory-limit")
    if isinstance(problem, RoadworthyError):
        return check.finding(Verdict.ERROR, str(problem), reasons=(problem.code,))
    return check.finding(
        Verdict.ERROR, f"The check itself broke: {type(problem).__name__}: {problem}", reasons=("check-raised",)
    )


def stopped(planned: PlannedCheck, why: str) -> Finding:
    """The finding of a check that was ended from outside; `why` is one of the keys of `STOPPED`, its reason code."""
    limits = planned.limits
    said = STOPPED[why].format(time_s=limits.time_s, memory_mib=limits.memory_mib)
    return check_named(planned.check).finding(Verdict.ERROR, said, reasons=(why,))


STOPPED = {
    "time-limit": "It was stopped after {time_s:g} s, not done; the playbook's `limits` say how long it may take.",
    "memory-limit": "It needed more than {memory_mib} MiB of memory; the playbook's `limits` say how much it may use.",
    "crashed": "The process that judged it ended without an answer: the check, or the model it asked, crashed it.",
}
"""Reason code -> what it says of a check that was ended from outside."""


def finite(finding: Finding) -> Finding:
    """The finding as it can be signed: a number JSON cannot carry (NaN, infinity) becomes None.

    Such a finding has the reason `not-finite` and lets nothing through: what was not measured is no pass.

    Raises:
        TypeError: `details` holds something JSON has no word for.
    """
    gaps: list[str] = []
    plain = replace(
        finding,
        statistic=_plain(finding.statistic, gaps),
        threshold=_plain(finding.threshold, gaps),
        interval=_interval(finding.interval, gaps),
        details=_plain(finding.details, gaps),
    )
    msgspec.to_builtins(plain)
    if not gaps:
        return plain
    verdict = Verdict.INCONCLUSIVE if finding.verdict.lets_through else finding.verdict
    defect = finding.defect if verdict is Verdict.FAIL else None
    return replace(plain, verdict=verdict, defect=defect, reasons=(*finding.reasons, "not-finite"))


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


def _out_of_memory(problem: BaseException | None) -> bool:
    """Whether memory ran out, also where a runtime told it in words of its own."""
    for _ in range(MAX_CAUSES):
        if problem is None or isinstance(problem, MemoryError):
            return problem is not None
        problem = problem.__cause__ or problem.__context__
    return False


MAX_CAUSES = 20
"""How far back the causes of an error are followed."""


def _interval(interval: Interval | None, gaps: list[str]) -> Interval | None:
    if interval is None or all(math.isfinite(end) for end in (interval.low, interval.high, interval.level)):
        return interval
    gaps.append("interval")
    return None


def _plain(value: Any, gaps: list[str]) -> Any:
    """The value in JSON's own types; what has no number in JSON is None, and counted in `gaps`."""
    if isinstance(value, dict):
        return {str(key): _plain(inner, gaps) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, gaps) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        gaps.append("number")
        return None
    return value


def _has(material: Material, name: str) -> bool:
    value = getattr(material, name)
    if value is None:
        return False
    return not (isinstance(value, tuple | dict) and len(value) == 0 and name not in _MAY_BE_EMPTY)


_MAY_BE_EMPTY = frozenset({"signals"})
