"""A deployment as text: its arms with their shares of all traffic."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from roadworthy.cli.bars import COLOURS, bar, split_bar
from roadworthy.domain.serving import ArmRole, Deployment, DeploymentState
from roadworthy.rollout.strategies.recipe import Judging, Move
from roadworthy.rollout.strategies.registry import recipe_of


def shares_of(deployment: Deployment) -> list[tuple[str, ArmRole, float]]:
    """Name, role and share (0..1) of all traffic per arm; a version's weight counts outside the hold-out.

    A shadow's is the share of answered units that it scores besides.
    """
    held = sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)
    return [
        (a.name, a.role, a.weight if a.role is ArmRole.HOLD_OUT else a.weight * (1 - held)) for a in deployment.arms
    ]


def deployment_table(deployment: Deployment) -> Table:
    """One row per arm with a bar."""
    stage = f", stage {deployment.stage + 1} of {len(deployment.schedule)}" if deployment.schedule else ""
    title = (
        f"{deployment.endpoint}: {deployment.id} revision {deployment.revision}, {deployment.strategy.value}, "
        f"{deployment.state.value}{stage}"
    )
    table = Table("arm", "role", "share of traffic", title=title)
    for place, (name, role, share) in enumerate(shares_of(deployment)):
        besides = " scored besides" if role is ArmRole.SHADOW else ""
        drawn = Text(bar(share), style=COLOURS[place % len(COLOURS)])
        table.add_row(name, role.value, drawn.append(f" {share:.1%}{besides}", style="default"))
    return table


def traffic_bar(deployment: Deployment) -> Text:
    """All arms that answer in one bar, with a legend; shadows are named after it."""
    shares = shares_of(deployment)
    answering = [(name, share) for name, role, share in shares if role is not ArmRole.SHADOW]
    text = split_bar(answering)
    for place, (name, share) in enumerate(answering):
        text.append(f" {name} {share:.0%}", style=COLOURS[place % len(COLOURS)])
    for name, role, share in shares:
        if role is ArmRole.SHADOW and share > 0:
            text.append(f" (shadow {name} {share:.0%})", style="dim")
    return text


def next_step(deployment: Deployment) -> str:
    """What one does with a deployment that was just put in force."""
    where = deployment.endpoint
    if deployment.state is not DeploymentState.PROGRESSING:
        return f"roadworthy predict FILE --endpoint {where}, or roadworthy up and POST /v2/models/{where}/infer"
    recipe = recipe_of(deployment)
    if recipe.judging is Judging.DECIDES:
        return f"roadworthy step {where}"
    if Move.PROMOTE not in recipe.moves:
        return f"look at the scores, then deploy with another strategy, or roadworthy rollback {where}"
    look = f"roadworthy step {where}, then " if recipe.judging is Judging.PROTECTS else ""
    return f"{look}roadworthy promote {where} or roadworthy rollback {where}"
