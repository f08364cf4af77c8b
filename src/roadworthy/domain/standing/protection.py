"""Standing protections of an endpoint: what its gateway does against misuse, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class ClientFrom(Enum):
    """By what clients are told apart; whoever chooses it freely can pretend to be many.

    `header`: `x-client-id`, else the address; a proxy that knows its callers must set it and drop theirs. `token`: the
    digest of the bearer token, else the address. `address`: the address the connection comes from.
    """

    HEADER = "header"
    TOKEN = "token"  # noqa: S105 - a way to tell clients apart, not a token
    ADDRESS = "address"


class OutsideRange(Enum):
    """What happens to rows with a number outside the range, or a category outside the list, seen in training."""

    PASS = "pass"  # noqa: S105 - what is done, not a password
    FLAG = "flag"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class ProtectionTerms:
    """Which protections run, per endpoint; signed with the deployment, so nobody switches one off unseen.

    `rows_per_minute` and `burst_rows` are each client's budget of rows, None = no budget. `outside` is what happens to
    rows outside the training range. `score_digits` is to how many decimals a score is answered, None = all of them; the
    decision and the log stay exact. `detectors` are those that look at each client's traffic. `profile` is the digest
    of what they hold it against; empty = none was made yet.
    """

    client_from: ClientFrom = ClientFrom.HEADER
    rows_per_minute: float | None = None
    burst_rows: int | None = None
    outside: OutsideRange = OutsideRange.PASS
    score_digits: int | None = None
    detectors: tuple[str, ...] = ()
    profile: str = ""
    reason: str = ""

    @property
    def any(self) -> bool:
        """Whether anything runs at all."""
        guards = (self.rows_per_minute is not None, self.outside is not OutsideRange.PASS)
        return any(guards) or self.score_digits is not None or bool(self.detectors)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one detector saw in one window of one client's rows and took for misuse."""

    detector: str
    client: str
    at: datetime
    statistic: float
    limit: float
    rows: int
    message: str


@dataclass(frozen=True, slots=True)
class ProtectionTally:
    """What the protections of one endpoint did between two moments, in one gateway process.

    `looked`: rows the detectors looked at, in `windows`. `passed_by`: rows they did not get to see, by the bound on
    their work. `refused`: requests refused, by guard. `failed` says why detectors could not look; empty when
    they could.
    """

    endpoint: str
    deployment: str
    since: datetime
    until: datetime
    looked: int = 0
    windows: int = 0
    passed_by: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
    failed: str = ""
