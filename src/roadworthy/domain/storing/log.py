"""The decision log's port: what was decided and what happened, and by which rules it is kept per endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Decision, Outcome

SYNCS = ("", "always", "off")
REDACTIONS = ("drop", "hash")
REDACTED = "redacted:"
"""What stands in the log for an input that was dropped, and how a hashed one begins."""


@dataclass(frozen=True, slots=True)
class LogRules:
    """How one endpoint's decisions are kept.

    Attributes:
        sync: "always" = on disk before it is answered; "off" = handed to the operating system; empty = as the
            workspace's setting `sync` says.
        keep_days: age in days at which decisions and their outcomes are removed; 0 = never.
        redact: input column -> "drop" (not stored) or "hash" (stored as a keyed hash: equal values stay equal).

    Raises:
        SettingError: another word, or a negative age.
    """

    sync: str = ""
    keep_days: int = 0
    redact: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        if self.sync not in SYNCS:
            raise SettingError(f"sync is '{self.sync}'", remedy="Allowed: always, off, or nothing.", field="sync")
        if not 0 <= self.keep_days <= 36_500:
            raise SettingError(
                f"keep_days is {self.keep_days}", remedy="Allowed: 0 to 36500; 0 keeps for ever.", field="keep_days"
            )
        for column, how in self.redact.items():
            if how not in REDACTIONS:
                raise SettingError(
                    f"the column '{column}' is to be redacted by '{how}'",
                    remedy=f"Allowed: {', '.join(REDACTIONS)}.",
                    field="redact",
                )


def redacted_columns(decision: Decision) -> list[str]:
    """The inputs of a decision that are not in the log as they came."""
    return [n for n, v in decision.inputs.items() if isinstance(v, str) and v.startswith(REDACTED)]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many records went."""

    decisions: int = 0
    outcomes: int = 0


class DecisionLog(Protocol):
    """Decisions and outcomes, durable on return."""

    def append(self, decisions: Sequence[Decision]) -> None:
        """Write decisions so that they survive the end of the process; appending an id twice keeps the first."""
        ...

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes; the one received last for a request id counts."""
        ...

    def read(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None, shadows: bool = False
    ) -> list[Decision]:
        """Decisions with since <= at < until, each once, in time order; what shadows scored only when asked for,
        and then nothing else."""
        ...

    def read_outcomes(self, endpoint: str) -> list[Outcome]:
        """The counting outcome of every request id."""
        ...

    def find(self, key: str) -> list[Decision]:
        """Decisions whose id or request id is `key`; not what shadows scored."""
        ...

    def rules(self, endpoint: str) -> LogRules:
        """By which rules an endpoint's decisions are kept; cheap enough to ask per request."""
        ...

    def govern(self, endpoint: str, rules: LogRules) -> None:
        """Put rules in force for all that is written from now on, by any process."""
        ...

    def pseudonym(self, text: str) -> str:
        """A keyed hash: the same for the same text in this log, and telling nothing without its key."""
        ...

    def compact(self, endpoint: str) -> int:
        """Move what is sealed into the tables other engines read, where there are any; returns the rows moved."""
        ...

    def forget_unit(self, endpoint: str, unit_id: str) -> Forgotten:
        """Remove every decision about a unit and their outcomes, for good. Doing it again finishes what a crash left.

        Raises ConflictError: another process is at it.
        """
        ...

    def forget_before(self, endpoint: str, before: datetime) -> Forgotten:
        """Remove decisions older than a time, their outcomes, and outcomes received before it."""
        ...

    def close(self) -> None:
        """Sync and let go of files."""
        ...
