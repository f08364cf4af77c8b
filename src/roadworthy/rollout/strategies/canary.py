"""The new version's share rises along a schedule, each step earned by evidence; harm turns it back by itself.

The sticky hash interval of the gateway grows with the share, so no unit flips back. After promotion the former
champion stays as an arm of weight 0: loaded, ready for a rollback, and an alarm if a unit ever reaches it.
"""

from __future__ import annotations

from itertools import pairwise

from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Arm, DeploymentState, Strategy
from roadworthy.rollout.strategies.arms import canary_weights
from roadworthy.rollout.strategies.recipe import Judging, Move, Recipe, Terms

DEFAULT_SCHEDULE = (0.05, 0.25, 0.5, 1.0)
"""Shares of traffic a canary goes through, outside the hold-out."""

_MAX_STAGES = 20


def schedule_of(terms: Terms) -> tuple[float, ...]:
    """The shares to go through.

    Raises:
        SettingError: a canary cannot follow them.
    """
    return checked_schedule(DEFAULT_SCHEDULE if terms.schedule is None else terms.schedule)


def checked_schedule(schedule: tuple[float, ...]) -> tuple[float, ...]:
    """The schedule, if a canary may follow it: 1 to 20 strictly increasing shares from above 0, the first below 1.

    A last share of 1 stands for the promotion and may be left out.

    Raises:
        SettingError: it may not.
    """
    rising = all(a < b for a, b in pairwise(schedule))
    if not (0 < len(schedule) <= _MAX_STAGES and rising and 0.0 < schedule[0] < 1.0 and schedule[-1] <= 1.0):
        raise SettingError(
            f"a canary cannot follow the schedule {list(schedule[:_MAX_STAGES])}",
            remedy=f"Give 1 to {_MAX_STAGES} strictly increasing shares, the first above 0 and below 1.",
            field="schedule",
        )
    return schedule


def last_stage(schedule: tuple[float, ...]) -> int:
    """The stage from which a canary is promoted: the last one at which the champion still has traffic."""
    return max((i for i, share in enumerate(schedule) if share < 1.0), default=0)


def _weigh(arms: tuple[Arm, ...], terms: Terms) -> tuple[Arm, ...]:
    return canary_weights(arms, schedule_of(terms)[0])


CANARY = Recipe(
    strategy=Strategy.CANARY,
    title="A share that grows by evidence, from a few units to all.",
    about=__doc__,
    begins=DeploymentState.PROGRESSING,
    weigh=_weigh,
    moves=frozenset({Move.ADVANCE, Move.PROMOTE, Move.PAUSE}),
    judging=Judging.DECIDES,
    takes=frozenset({"schedule"}),
)
