"""One challenger with a small fixed share beside the champion, for as long as it takes a person to decide.

The share (a tenth, unless another up to a half is asked for) does not grow by itself, whatever the traffic proves:
who changes the champion is a person. `step` protects: a challenger proven harmful is turned back.
"""

from __future__ import annotations

from roadworthy.domain.serving import Arm, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import newcomers, shared
from roadworthy.rollout.strategies.recipe import Judging, Move, Recipe, Terms, fixed_shares

DEFAULT_SHARE = 0.1
MOST = 0.5
"""The champion answers at least half: it is still the one in charge."""


def _weigh(arms: tuple[Arm, ...], terms: Terms) -> tuple[Arm, ...]:
    shares = terms.shares or (DEFAULT_SHARE,)
    return shared(arms, fixed_shares(Strategy.CHAMPION_CHALLENGER, newcomers(arms), shares, most=MOST))


CHAMPION_CHALLENGER = Recipe(
    strategy=Strategy.CHAMPION_CHALLENGER,
    title="One challenger with a small fixed share until a person decides.",
    about=__doc__,
    begins=DeploymentState.PROGRESSING,
    weigh=_weigh,
    moves=frozenset({Move.PROMOTE, Move.PAUSE}),
    judging=Judging.PROTECTS,
    takes=frozenset({"shares"}),
)
