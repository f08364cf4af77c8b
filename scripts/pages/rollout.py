"""Rollouts: strategies and moves, the stopping rule's fields, the reasons it gives."""

from __future__ import annotations

from dataclasses import fields

from scripts.pages.markdown import attributes, code, page, prose, table

from roadworthy.domain.serving import DeploymentState
from roadworthy.rollout import canary, strategies
from roadworthy.rollout.canary import Action, CanaryRule, Reason

_INTRO = """
`roadworthy deploy` puts an activated version in force: at once when nothing serves on the endpoint, else as a
canary. `roadworthy step` takes one look at a canary and acts on it; each look is kept with all its numbers,
and each move is signed. Looking often does not raise the error rates.
"""


def rollout_page() -> str:
    """`reference/rollout.md`."""
    said = attributes(CanaryRule.__doc__)
    rule = [(code(f.name), said.get(f.name, ""), code(f.default)) for f in fields(CanaryRule)]
    head, _, moves = prose(strategies.__doc__).partition("Moves, each giving")
    return page(
        "Rollouts",
        _INTRO,
        "## Strategies",
        head,
        f"Moves, each giving{moves}",
        "States of a deployment: " + ", ".join(code(s.value) for s in DeploymentState) + ".",
        "## The canary's decision",
        prose(canary.__doc__),
        "Actions: " + ", ".join(code(a.value) for a in Action) + ".",
        "Reasons: " + ", ".join(code(r.value) for r in Reason) + ".",
        "## The stopping rule",
        table(("field", "meaning", "default"), rule),
    )
