"""The checks: class attributes, docstring sections and parameters of every check that ships."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from scripts.pages.markdown import code, page, prose, sections, table

from roadworthy.checks.base import Check, Params
from roadworthy.checks.registry import builtin
from roadworthy.domain.gate import Gate, Step, steps_of
from roadworthy.domain.returns import WAY_BACK
from roadworthy.domain.use_case import RiskTier
from roadworthy.services.gates.playbooks import DEFAULT, read_playbook

_INTRO = """
Each check is one file with one class: what it claims, what it needs, when it says what. A check whose needs
are not met answers `inconclusive`, one that breaks answers `error`; neither is a pass. Parameters are set in
a [playbook](playbook.md); a value outside its range is refused by name, with file and line. `version` goes up
when the rule of the verdict changes. To write one: [add a check](../contributing/add-a-check.md).
"""
_SECTIONS = ("Needs", "Parameters", "Verdict", "Inconclusive/Error", "Example", "References")


def checks_page() -> str:
    """`reference/checks.md`."""
    found = sorted(builtin().values(), key=lambda c: list(Step).index(c.step))
    parts = [_INTRO, _overview(found)]
    for gate in Gate:
        parts.append(f"## {gate.value.capitalize()}")
        parts += [_check(c) for c in found if c.step.gate is gate]
    return page("Checks", *parts)


def steps_section() -> str:
    """For `concepts.md`: every step with the checks of the playbook that ships."""
    playbook = read_playbook(DEFAULT.read_bytes(), RiskTier.MEDIUM)
    rows = []
    for gate in Gate:
        for step in steps_of(gate):
            planned = [f"[`{c.check}`](reference/checks.md#{c.check})" for c in playbook.checks_of(step)]
            rows.append((gate.value, step.name, step.value, ", ".join(planned)))
    return table(("gate", "step", "question", "checks in the playbook that ships"), rows)


def _overview(found: list[type[Check]]) -> str:
    rows = [
        (c.step.name, f"[`{c.id}`](#{c.id})", c.title, code(c.defect.value), WAY_BACK[c.defect].value)
        for c in found
    ]
    return table(("step", "check", "claim in short", "a failure means", "and goes back to"), rows)


def _check(check: type[Check]) -> str:
    claim, said = sections(check.__doc__ or "")
    facts = (
        f"Step {check.step.name} ({check.step.value}), version {check.version}, cost: {check.cost.value}. "
        f"A failure is `{check.defect.value}` and goes back to *{WAY_BACK[check.defect].value}*."
    )
    rows = [_parameter(check.params, f) for f in fields(check.params)]
    parts = [f"### {check.id}", prose(claim), facts]
    for name in _SECTIONS:
        if name in said:
            parts.append(_section(name, said[name]))
        if name == "Parameters" and rows:
            parts.append(table(("parameter", "default", "range"), rows))
    return "\n\n".join(parts)


def _section(name: str, body: str) -> str:
    if name == "Example":
        return f"**Example.**\n\n```text\n{body}\n```"
    return f"**{name}.** {body}"


def _parameter(params: type[Params], field: Field[Any]) -> tuple[str, str, str]:
    low, high = params.RANGES.get(field.name, (None, None))
    default = field.default if field.default is not MISSING else "required"
    allowed = f"{low:g} to {high:g}" if low is not None and high is not None else ""
    return code(field.name), code(default), allowed
