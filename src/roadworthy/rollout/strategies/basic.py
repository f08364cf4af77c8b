"""The new version gets all version traffic at once; the former champion stays loaded at weight 0, ready to go back to.

What an endpoint's first version always gets. Where a version serves already this is the hard way: nothing is tried on
a few units first.
"""

from __future__ import annotations

from roadworthy.domain.serving import Arm, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import promoted_arms
from roadworthy.rollout.strategies.recipe import Recipe, Terms


def _weigh(arms: tuple[Arm, ...], _: Terms) -> tuple[Arm, ...]:
    return promoted_arms(arms)


BASIC = Recipe(
    strategy=Strategy.BASIC,
    title="All traffic at once; the former version stays loaded.",
    about=__doc__,
    begins=DeploymentState.STABLE,
    weigh=_weigh,
    needs_champion=False,
)
