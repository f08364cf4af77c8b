"""Two or more versions side by side with fixed shares, until a person decides; nothing is promoted by itself.

Shares are fixed so that the arms stay comparable: a unit keeps its arm as long as the test runs. `step` compares each
challenger with the champion and ends the whole test when one of them is proven harmful (the error probability is
divided among them); it never promotes. Without shares every version gets the same.
"""

from __future__ import annotations

from roadworthy.domain.serving import Arm, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import newcomers, shared
from roadworthy.rollout.strategies.recipe import Judging, Move, Recipe, Terms, fixed_shares

MOST = 0.99
"""The champion keeps at least the hundredth part: without it there is nothing to compare with."""


def _weigh(arms: tuple[Arm, ...], terms: Terms) -> tuple[Arm, ...]:
    new = newcomers(arms)
    equal = (1.0 / (len(new) + 1),) * len(new)
    return shared(arms, fixed_shares(Strategy.AB_SPLIT, new, terms.shares or equal, most=MOST))


AB_SPLIT = Recipe(
    strategy=Strategy.AB_SPLIT,
    title="Two or more versions with fixed shares until a person decides.",
    about=__doc__,
    begins=DeploymentState.PROGRESSING,
    weigh=_weigh,
    moves=frozenset({Move.PROMOTE, Move.PAUSE}),
    judging=Judging.PROTECTS,
    several=True,
    takes=frozenset({"shares", "beside"}),
)
