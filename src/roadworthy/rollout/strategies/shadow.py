"""The champion answers everything; new versions score a share of the same rows afterwards, and nobody sees the scores.

A shadow never answers and never decides: it is no arm that units are drawn to, its weight is the share of answered
rows it scores besides (a tenth, unless another is asked for). Any other deployment may take over while it runs, and
turning back ends it. Nothing leads from a shadow to traffic but a deployment with another strategy.
"""

from __future__ import annotations

from dataclasses import replace

from roadworthy.domain.serving import Arm, ArmRole, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import champion_alone, newcomers
from roadworthy.rollout.strategies.recipe import Recipe, Terms, fixed_shares

DEFAULT_SHARE = 0.1


def _weigh(arms: tuple[Arm, ...], terms: Terms) -> tuple[Arm, ...]:
    new = newcomers(arms)
    shares = terms.shares or (DEFAULT_SHARE,) * len(new)
    weights = fixed_shares(Strategy.SHADOW, new, shares, most=float(len(new)))
    return tuple(replace(arm, weight=weights.get(arm.name, arm.weight)) for arm in champion_alone(arms))


SHADOW = Recipe(
    strategy=Strategy.SHADOW,
    title="New versions score a share of the traffic and never answer.",
    about=__doc__,
    begins=DeploymentState.PROGRESSING,
    weigh=_weigh,
    role=ArmRole.SHADOW,
    several=True,
    takes=frozenset({"shares", "beside"}),
    gives_way=True,
)
