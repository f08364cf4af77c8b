"""Both versions are loaded, the old one (blue) answers; one switch by a person makes the new one (green) answer all.

The way back is another switch: the former champion stays loaded at weight 0. Before the switch the new version has
no traffic, so there is nothing to look at: `step` does nothing, a person promotes or turns back.
"""

from __future__ import annotations

from roadworthy.domain.serving import Arm, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import canary_weights
from roadworthy.rollout.strategies.recipe import Move, Recipe, Terms


def _weigh(arms: tuple[Arm, ...], _: Terms) -> tuple[Arm, ...]:
    return canary_weights(arms, 0.0)


BLUE_GREEN = Recipe(
    strategy=Strategy.BLUE_GREEN,
    title="Both loaded, one switch, an instant way back.",
    about=__doc__,
    begins=DeploymentState.PROGRESSING,
    weigh=_weigh,
    moves=frozenset({Move.PROMOTE}),
)
