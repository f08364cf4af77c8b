"""Rollouts: strategies and moves, the stopping rule's fields, the reasons it gives."""

from __future__ import annotations

from dataclasses import fields

from scripts.pages.markdown import attributes, code, page, prose, table

from roadworthy.domain.serving import DeploymentState
from roadworthy.gateway import breaker, shadows
from roadworthy.rollout import canary, guard, moves, shadow_comparison
from roadworthy.rollout.canary import Action, CanaryRule, Reason
from roadworthy.rollout.shadow_comparison import Comparison
from roadworthy.rollout.strategies.recipe import Judging, Move, Recipe
from roadworthy.rollout.strategies.registry import RECIPES

_INTRO = """
`roadworthy deploy` puts activated versions in force: the first one on an endpoint at once, those after it as a canary,
or by the strategy that `--strategy` names. `roadworthy step` takes one look at a rollout and acts on it as far as its
strategy allows; each look is kept with all its numbers, and each move is signed. Looking often does not raise the
error rates. `roadworthy promote`, `pause` and `rollback` are what a person decides, with a reason on record.
"""

_JUDGING = {
    Judging.DECIDES: "moves it on and turns it back",
    Judging.PROTECTS: "turns it back",
    Judging.NOTHING: "does nothing",
}


def rollout_page() -> str:
    """`reference/rollout.md`."""
    said = attributes(CanaryRule.__doc__)
    rule = [(code(f.name), said.get(f.name, ""), code(f.default)) for f in fields(CanaryRule)]
    about = attributes(breaker.BreakerRule.__doc__)
    head = ("strategy", "what it does", "new versions", "options", "a person may", "`step`")
    return page(
        "Rollouts",
        _INTRO,
        "## Strategies",
        table(head, [_row(r) for r in RECIPES.values()]),
        *[part for r in RECIPES.values() for part in (f"### {r.strategy.value}", prose(r.about))],
        "## Moves",
        prose(moves.__doc__),
        "States of a deployment: " + ", ".join(code(s.value) for s in DeploymentState) + ".",
        "## The canary's decision",
        prose(canary.__doc__),
        "Actions: " + ", ".join(code(a.value) for a in Action) + ".",
        "Reasons: " + ", ".join(code(r.value) for r in Reason) + ".",
        "## Fixed shares",
        prose(guard.__doc__),
        "## Shadows",
        prose(shadows.__doc__),
        "`roadworthy shadows` and the endpoint's page compare them with the champion. "
        + prose(shadow_comparison.__doc__),
        table(("measure", "meaning"), [(code(k), v) for k, v in attributes(Comparison.__doc__).items()]),
        "## Circuits",
        prose(breaker.__doc__),
        table(
            ("field", "meaning", "default"),
            [(code(f.name), about.get(f.name, ""), code(f.default)) for f in fields(breaker.BreakerRule)],
        ),
        "## The stopping rule",
        table(("field", "meaning", "default"), rule),
    )


def _row(recipe: Recipe) -> tuple[str, ...]:
    by_hand = [m.value for m in (Move.PROMOTE, Move.PAUSE) if m in recipe.moves]
    return (
        code(recipe.strategy.value),
        recipe.title,
        "one or more" if recipe.several else "one",
        ", ".join(code(f"--{option}") for option in sorted(recipe.takes)) or "none",
        ", ".join([*by_hand, "roll back"]),
        _JUDGING[recipe.judging],
    )
