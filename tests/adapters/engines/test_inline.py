"""`InlineEngine`: a simulated crash at any step, and a restart on the same journal."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.adapters.engines.inline import InlineEngine, Journal
from roadworthy.domain.durable.work import Durable
from roadworthy.domain.errors import ConflictError


class Crash(BaseException):
    """The end of the process, played."""


@pytest.mark.parametrize("crash_at", range(4))
def test_after_a_crash_in_any_step_a_new_engine_goes_on_without_repeating(crash_at: int) -> None:
    effects: list[int] = []

    def work(durable: Durable, arguments: dict[str, Any]) -> Any:
        def effect(k: int) -> int:
            if k == crash_at and len(effects) == crash_at:
                effects.append(-1)
                raise Crash
            effects.append(k)
            return k * arguments["factor"]

        return sum(durable.step(f"s{k}", lambda k=k: effect(k)) for k in range(4))

    journal: Journal = {}
    engine = InlineEngine(journal)
    engine.register("work", work)
    engine.launch()
    with pytest.raises(Crash):
        engine.run("work", "w1", {"factor": 10})
    again = InlineEngine(journal)
    again.register("work", work)
    again.launch()
    assert again.run("work", "w1", {"factor": 10}) == 60
    assert [e for e in effects if e >= 0] == [0, 1, 2, 3]


def test_steps_that_changed_their_order_since_the_crash_are_refused() -> None:
    journal: Journal = {}

    def before(durable: Durable, _: dict[str, Any]) -> Any:
        durable.step("a", lambda: 1)
        raise Crash

    def after(durable: Durable, _: dict[str, Any]) -> Any:
        return durable.step("b", lambda: 1)

    engine = InlineEngine(journal)
    engine.register("work", before)
    engine.launch()
    with pytest.raises(Crash):
        engine.run("work", "w1", {})
    engine.register("work", after)
    with pytest.raises(ConflictError, match="recorded the step 'a' where it now asks for 'b'"):
        engine.run("work", "w1", {})
