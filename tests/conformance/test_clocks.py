"""What every clock promises (`domain/ports.py`: Clock)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from roadworthy.adapters.clock import SimulatedClock, SystemClock
from roadworthy.domain.errors import SettingError
from roadworthy.domain.ports import Clock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("clock", [SystemClock(), SimulatedClock(NOON)], ids=["system", "simulated"])
def test_time_is_in_utc_and_does_not_run_backwards(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


def test_the_system_clock_tells_the_machines_time() -> None:
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)


def test_the_simulated_clock_stands_still_until_it_is_moved() -> None:
    clock = SimulatedClock(NOON)
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(hours=1)) == clock.now() == NOON + timedelta(hours=1)
    clock.set(NOON - timedelta(days=1))
    assert clock.now() == NOON - timedelta(days=1)


def test_the_simulated_clock_takes_any_zone_and_answers_in_utc() -> None:
    clock = SimulatedClock(datetime(2026, 11, 23, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(SettingError, match="no time zone"):
        SimulatedClock(NOON.replace(tzinfo=None))
    with pytest.raises(SettingError, match="no time zone"):
        SimulatedClock(NOON).set(NOON.replace(tzinfo=None))


def test_advancing_backwards_is_refused() -> None:
    with pytest.raises(SettingError, match="cannot advance"):
        SimulatedClock(NOON).advance(timedelta(seconds=-1))
