"""What to do after a gate: the command and who may give it, or what is to be mended."""

from __future__ import annotations

from roadworthy.cli.lookups import endpoints, has_contract, who_may
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import Role
from roadworthy.domain.verdict import Verdict
from roadworthy.sdk import Road

MAX_NAMED = 5
"""At most so many findings or work items are named."""


def next_steps(road: Road, run: GateRun) -> list[str]:
    """One line per thing to do, most urgent first."""
    if run.verdict is not None and run.verdict.lets_through:
        return _onward(road, run)
    if any(f.blocks and f.verdict is Verdict.FAIL for f in run.findings):
        return _mend(road, run)
    return _look_again(run)


def after_registering(road: Road, version: str, use_case: str, owner: str) -> str:
    """The step after a version is registered: the contract first, else validation."""
    if not has_contract(road, use_case):
        return f"Next: roadworthy agree {use_case} --value EXPRESSION --unit UNIT --as {owner}"
    return f"Next: roadworthy validate {version}"


def asked_later(version: ModelVersion) -> list[str]:
    """What was left out when registering, and which step will ask for it."""
    left_out = (
        (version.training, "--training FILE.py:FUNCTION: without it V8 cannot train the model again"),
        (version.code_revision, "--code-revision: V7 and A1 ask for it"),
        (version.description.strip(), "--description: A1 asks for it"),
    )
    return [f"Not given: {said}." for value, said in left_out if not value]


def _onward(road: Road, run: GateRun) -> list[str]:
    version = run.version
    if run.gate is Gate.VALIDATION:
        validator = who_may(road, Role.VALIDATOR, road.version(version).developers)
        return [f"Next: roadworthy sign {version} --approve --as {validator}"]
    operator = who_may(road, Role.OPERATOR)
    if run.gate is Gate.RELEASE:
        return [f"Next: roadworthy accept {version} --run-book TEXT --as {operator}"]
    case = road.version(version).use_case
    endpoint = next((e.id for e in endpoints(road, case).items), "NAME")
    return [f"Next: roadworthy deploy {version} --endpoint {endpoint} --as {operator}"]


def _mend(road: Road, run: GateRun) -> list[str]:
    case = road.version(run.version).use_case
    open_items = road.work_items(version=run.version, open_only=True)
    lines = [f"  {w.id}: {w.defect.value} -> {w.step.value} ({w.source})" for w in open_items[:MAX_NAMED]]
    if len(open_items) > MAX_NAMED:
        lines.append(f"  ... and {len(open_items) - MAX_NAMED} more: roadworthy work")
    return [
        f"The version goes back with {len(open_items)} work item(s):",
        *lines,
        f"Next: mend it, then roadworthy register model FILE --use-case {case} --parent {run.version}",
    ]


def _look_again(run: GateRun) -> list[str]:
    open_ones = [f for f in run.findings if f.blocks]
    lines = [f"  {f.step.name} {f.check}: {f.message}" for f in open_ones[:MAX_NAMED]]
    return [
        "The gate stays shut, though nothing was shown to be wrong:",
        *lines,
        "Next: give what was missing, or waive the finding in the playbook with a reason, and run the gate again.",
    ]
