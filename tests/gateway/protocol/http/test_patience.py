"""Bodies are waited for as long as agreed, each by itself, and nobody else's cancelling is taken for lateness."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from roadworthy.gateway.protocol.http.patience import Patience


async def never() -> None:
    await asyncio.Event().wait()


async def said(value: int, turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


def test_what_comes_is_returned_and_what_does_not_is_a_time_out() -> None:
    async def run() -> list[Any]:
        patience = Patience(0.02)
        waits = [
            patience.read(said(1, 3)),
            patience.read(never()),
            patience.read(said(2, 0)),
            patience.read(never()),
        ]
        return await asyncio.gather(*waits, return_exceptions=True)

    found = asyncio.run(run())
    assert (found[0], found[2]) == (1, 2)
    assert [type(found[1]), type(found[3])] == [TimeoutError, TimeoutError]


def test_after_a_time_out_the_task_goes_on_and_may_wait_again() -> None:
    async def run() -> int:
        patience = Patience(0.01)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await patience.read(never())
        return await patience.read(said(7, 2))

    assert asyncio.run(run()) == 7


def test_who_is_cancelled_by_others_is_cancelled() -> None:
    async def run() -> None:
        task = asyncio.ensure_future(Patience(10).read(never()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_what_the_body_raises_is_raised() -> None:
    async def broken() -> None:
        raise ConnectionResetError

    async def run() -> None:
        with pytest.raises(ConnectionResetError):
            await Patience(1).read(broken())

    asyncio.run(run())


def test_when_nothing_waits_no_timer_is_left() -> None:
    async def run() -> object:
        patience = Patience(0.004)
        await patience.read(said(1, 1))
        with pytest.raises(TimeoutError):
            await patience.read(never())
        async with asyncio.timeout(10):
            while patience._timer is not None:
                await asyncio.sleep(0)
        return patience._timer

    assert asyncio.run(run()) is None
