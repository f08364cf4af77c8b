"""What a strategy is: which new versions it takes, where it begins, which moves it allows, and who decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Arm, ArmRole, DeploymentState, Strategy


@dataclass(frozen=True, slots=True)
class Terms:
    """What whoever deploys asks for; what is left out, the strategy decides.

    Attributes:
        strategy: None = basic where no version serves yet, else a canary.
        schedule: shares (0..1) a canary goes through.
        shares: the share (0..1) of each new version, in the order they are named.
        beside: further new versions, for a strategy that takes several.
    """

    strategy: Strategy | None = None
    schedule: tuple[float, ...] | None = None
    shares: tuple[float, ...] = ()
    beside: tuple[str, ...] = ()


class Move(Enum):
    """What may become of a deployment under way; turning back, withdrawing and superseding are always possible."""

    ADVANCE = "advance"
    PROMOTE = "promote"
    PAUSE = "pause"


class Judging(Enum):
    """What a look at the traffic (`roadworthy step`) may do by itself."""

    DECIDES = "decides"
    PROTECTS = "protects"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A strategy as data.

    Attributes:
        strategy: which one.
        title: what it does, in one line.
        about: the module docstring, for the reference.
        begins: the state a new deployment starts in.
        weigh: arms as planned (incumbent first, then the new versions at 0) and terms -> arms with their weights.
        role: what a new version is until it is promoted.
        moves: what is allowed while it is under way; PAUSE stands for resume too.
        judging: what `step` may do: advance and promote too (decides), only turn back (protects), nothing.
        several: whether it takes more than one new version.
        needs_champion: whether a version has to serve there already.
        takes: names of the terms it understands.
        gives_way: whether another deployment may take over while it is under way.
    """

    strategy: Strategy
    title: str
    about: str
    begins: DeploymentState
    weigh: Callable[[tuple[Arm, ...], Terms], tuple[Arm, ...]]
    role: ArmRole = ArmRole.CHALLENGER
    moves: frozenset[Move] = frozenset()
    judging: Judging = Judging.NOTHING
    several: bool = False
    needs_champion: bool = True
    takes: frozenset[str] = frozenset()
    gives_way: bool = False

    def check(self, terms: Terms) -> None:
        """Refuse terms this strategy does not understand.

        Raises:
            SettingError: names the option and those it takes.
        """
        given = {"schedule": terms.schedule is not None, "shares": bool(terms.shares), "beside": bool(terms.beside)}
        for option, is_given in given.items():
            if is_given and option not in self.takes:
                raise SettingError(
                    f"a {self.strategy.value} deployment takes no {option}",
                    remedy=f"It takes: {', '.join(sorted(self.takes)) or 'the version alone'}.",
                    field=option,
                )


def fixed_shares(
    strategy: Strategy, newcomers: tuple[Arm, ...], shares: tuple[float, ...], *, most: float
) -> dict[str, float]:
    """The share of each new version by name: one per version, each above 0, together at most `most` (0..1).

    Raises:
        SettingError: they are not.
    """
    fits = len(shares) == len(newcomers) and all(0.0 < share <= 1.0 for share in shares)
    if not (fits and sum(shares) <= most + 1e-9):
        raise SettingError(
            f"a {strategy.value} deployment of {len(newcomers)} new versions cannot have the shares "
            f"{list(shares[:20])}",
            remedy=f"Give one share per new version, each above 0, together at most {most:g}.",
            field="shares",
        )
    return {arm.name: share for arm, share in zip(newcomers, shares, strict=True)}
