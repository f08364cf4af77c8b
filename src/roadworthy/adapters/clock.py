"""Time behind the `Clock` port: the machine's, and one that stands still until told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadworthy.domain.errors import SettingError


class SystemClock:
    """The machine's own clock, in UTC."""

    def now(self) -> datetime:
        """The current time."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that moves only when told to: tests, examples and replays.

    Raises:
        SettingError: a start without a time zone.
    """

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)

    def now(self) -> datetime:
        """The time it was last set to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward and return the new time. Raises SettingError for a negative step; use `set` for that."""
        if by < timedelta(0):
            raise SettingError(
                f"the clock cannot advance by {by}",
                remedy="Give a step of zero or more, or use `set` to go back.",
                by=by,
            )
        self._now += by
        return self._now

    def set(self, to: datetime) -> None:
        """Jump to a time, back as well as forward. Raises SettingError for a time without a zone."""
        self._now = _in_utc(to)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise SettingError(
            f"the time {moment.isoformat()} has no time zone",
            remedy="Give an aware datetime, for example datetime(2026, 1, 1, tzinfo=UTC).",
            time=moment,
        )
    return moment.astimezone(UTC)
