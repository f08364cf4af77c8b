"""The new version gets all version traffic at once and the old one is unloaded: for models too large to keep two.

The old model serves until the new one is loaded beside it, so both are in memory for that moment and no request
waits. Turning back makes the earlier deployment's champion again, from its artifact: as soon as it is loaded.
"""

from __future__ import annotations

from roadworthy.domain.serving import Arm, ArmRole, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import promoted_arms
from roadworthy.rollout.strategies.recipe import Recipe, Terms


def _weigh(arms: tuple[Arm, ...], _: Terms) -> tuple[Arm, ...]:
    return tuple(arm for arm in promoted_arms(arms) if arm.role is not ArmRole.CHALLENGER)


RECREATE = Recipe(
    strategy=Strategy.RECREATE,
    title="All traffic at once; the former version is unloaded.",
    about=__doc__,
    begins=DeploymentState.STABLE,
    weigh=_weigh,
    needs_champion=False,
)
