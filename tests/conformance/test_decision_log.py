"""What every `DecisionLog` does, run against each implementation that ships."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.adapters.decisions.memory import MemoryLog
from roadworthy.adapters.decisions.segments import SegmentLog
from roadworthy.domain.errors import ConflictError, DataError, SettingError
from roadworthy.domain.ports import DecisionLog
from roadworthy.domain.serving import Decision, DecisionStatus, Outcome
from roadworthy.domain.storing.log import Forgotten, LogRules

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def a_decision(n: int, endpoint: str = "loans") -> Decision:
    return Decision(
        id=f"d{n}",
        request_id=f"r{n}",
        endpoint=endpoint,
        deployment="dep",
        revision=1,
        arm="champion",
        version="v1",
        unit_id=f"u{n}",
        at=T0 + timedelta(seconds=n, microseconds=n),
        inputs={"age": n, "rate": 1.5, "job": "clerk", "note": None, "flag": True},
        score=0.25,
        acted=False,
        propensity=0.9,
        status=DecisionStatus.SCORED,
        latency_ms=1.25,
        agent="edge" if n % 2 else "",
        trace="4bf92f3577b34da6a3ce929d0e0e4736" if n % 3 else "",
    )


def an_outcome(request_id: str, value: float, received: int, endpoint: str = "loans") -> Outcome:
    return Outcome(endpoint, request_id, value, T0, T0 + timedelta(seconds=received))


class Compacting(SegmentLog):
    """A log that is compacted after every append, segments as short as they can be."""

    def append(self, decisions: Sequence[Decision]) -> None:
        super().append(decisions)
        self._compacted(decisions)

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        super().append_outcomes(outcomes)
        self._compacted(outcomes)

    def _compacted(self, items: Sequence[Decision] | Sequence[Outcome]) -> None:
        self.settle()
        for endpoint in {item.endpoint for item in items}:
            with suppress(ConflictError):  # of several threads one compacts
                self.compact(endpoint)


@pytest.fixture(params=["memory", "open-segments", "sealed-segments", "compacted"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DecisionLog]:
    made: DecisionLog
    if request.param == "memory":
        made = MemoryLog()
    elif request.param == "compacted":
        made = Compacting(tmp_path, segment_rows=1)
    else:
        made = SegmentLog(tmp_path, segment_rows=5000 if request.param == "open-segments" else 3)
    yield made
    made.close()


def test_what_was_appended_is_read_back_exactly(log: DecisionLog) -> None:
    decisions = [a_decision(n) for n in range(10)]
    log.append(decisions)
    assert log.read("loans") == decisions


def test_failed_and_held_out_decisions_keep_their_status_and_lack_a_score(log: DecisionLog) -> None:
    odd = [
        replace(a_decision(1), status=DecisionStatus.FAILED, score=None, error="the model raised ValueError"),
        replace(a_decision(2), status=DecisionStatus.HELD_OUT, score=None, acted=True),
    ]
    log.append(odd)
    assert log.read("loans") == odd


def test_what_shadows_scored_is_read_only_when_asked_for_and_never_found_by_its_ids(log: DecisionLog) -> None:
    decided = [a_decision(n) for n in range(4)]
    scored = [replace(d, id=f"s{d.id}", arm="shadow", status=DecisionStatus.SHADOW, score=0.5) for d in decided]
    log.append([*decided, *scored])
    assert log.read("loans") == decided
    assert log.read("loans", shadows=True) == scored
    assert log.read("loans", since=decided[2].at, shadows=True) == scored[2:]
    assert (log.find("r1"), log.find("sd1")) == ([decided[1]], [])


def test_an_empty_append_and_an_unknown_endpoint_are_no_error(log: DecisionLog) -> None:
    log.append([])
    log.append_outcomes([])
    assert (log.read("nowhere"), log.read_outcomes("nowhere"), log.find("nothing")) == ([], [], [])


def test_reads_are_in_time_order_whatever_the_order_of_writing(log: DecisionLog) -> None:
    for n in (3, 1, 2, 9, 5):
        log.append([a_decision(n)])
    assert [d.id for d in log.read("loans")] == ["d1", "d2", "d3", "d5", "d9"]


def test_a_window_includes_its_start_and_excludes_its_end(log: DecisionLog) -> None:
    decisions = [a_decision(n) for n in range(10)]
    log.append(decisions)
    assert log.read("loans", since=decisions[3].at, until=decisions[6].at) == decisions[3:6]
    assert log.read("loans", since=decisions[8].at) == decisions[8:]
    assert log.read("loans", until=decisions[2].at) == decisions[:2]


def test_an_id_appended_twice_keeps_the_first(log: DecisionLog) -> None:
    first = a_decision(1)
    log.append([first])
    log.append([a_decision(n) for n in range(2, 9)])
    log.append([replace(first, score=0.99)])
    assert log.find("d1") == [first]
    assert [d.id for d in log.read("loans")] == [f"d{n}" for n in range(1, 9)]


def test_endpoints_do_not_see_each_other(log: DecisionLog) -> None:
    log.append([a_decision(1, "loans"), a_decision(2, "cards"), a_decision(3, "loans")])
    assert [d.id for d in log.read("loans")] == ["d1", "d3"]
    assert [d.id for d in log.read("cards")] == ["d2"]


def test_find_takes_an_id_or_a_request_id_over_all_endpoints(log: DecisionLog) -> None:
    log.append([a_decision(n) for n in range(8)])
    shared = [replace(a_decision(20, "cards"), request_id="batch"), replace(a_decision(21), request_id="batch")]
    log.append(shared)
    assert [d.id for d in log.find("d4")] == ["d4"]
    assert [d.id for d in log.find("r5")] == ["d5"]
    assert log.find("batch") == shared
    assert log.find("d") == []


def test_the_outcome_received_last_counts(log: DecisionLog) -> None:
    log.append_outcomes([an_outcome("r1", 1.0, received=50), an_outcome("r2", 1.0, received=10)])
    log.append_outcomes([an_outcome("r1", 0.0, received=40), an_outcome("r2", 0.0, received=60)])
    assert {o.request_id: o.value for o in log.read_outcomes("loans")} == {"r1": 1.0, "r2": 0.0}


def test_of_outcomes_received_at_the_same_time_the_one_written_last_counts(log: DecisionLog) -> None:
    log.append_outcomes([an_outcome("r1", value, received=5) for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    assert [o.value for o in log.read_outcomes("loans")] == [5.0]


def test_outcomes_are_not_decisions(log: DecisionLog) -> None:
    log.append_outcomes([an_outcome("r1", 1.0, received=1)])
    assert (log.read("loans"), log.find("r1")) == ([], [])


def test_numpy_scalars_come_back_as_plain_values(log: DecisionLog) -> None:
    log.append([replace(a_decision(1), inputs={"a": np.float64(0.5), "b": np.int64(7), "c": np.bool_(True)})])
    assert log.read("loans")[0].inputs == {"a": 0.5, "b": 7, "c": True}


def test_a_number_json_lacks_comes_back_as_missing(log: DecisionLog) -> None:
    log.append([replace(a_decision(1), inputs={"a": math.nan, "b": math.inf})])
    assert log.read("loans")[0].inputs == {"a": None, "b": None}


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(replace(a_decision(1), inputs={"x": object()}), id="an object among the inputs"),
        pytest.param(replace(a_decision(1), at=datetime(2026, 1, 1)), id="a time without zone"),  # noqa: DTZ001
        pytest.param(replace(a_decision(1), unit_id="\ud800"), id="text that is not unicode"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_kept(log: DecisionLog, bad: Decision) -> None:
    with pytest.raises(DataError):
        log.append([a_decision(7), bad])
    log.append([a_decision(8)])
    assert [d.id for d in log.read("loans")] == ["d8"]


def test_changing_an_input_afterwards_does_not_change_the_log(log: DecisionLog) -> None:
    decision = a_decision(1)
    log.append([decision])
    decision.inputs["age"] = 99
    assert log.read("loans")[0].inputs["age"] == 1


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "ä ö", "a=b", "x" * 60], ids=repr)
def test_any_endpoint_name_is_kept_apart(log: DecisionLog, name: str) -> None:
    log.append([a_decision(1, name), a_decision(2, "other")])
    assert [d.endpoint for d in log.read(name)] == [name]
    assert [d.endpoint for d in log.find("d1")] == [name]


def test_threads_that_append_together_all_find_their_decisions(log: DecisionLog) -> None:
    def write(worker: int) -> None:
        for n in range(25):
            log.append([a_decision(worker * 1000 + n)])

    threads = [threading.Thread(target=write, args=(w,)) for w in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(d.id for d in log.read("loans")) == sorted(
        f"d{w * 1000 + n}" for w in range(8) for n in range(25)
    )


def test_a_unit_is_forgotten_with_its_outcomes_and_nobody_else(log: DecisionLog) -> None:
    decisions = [replace(a_decision(n), unit_id=f"u{n % 3}") for n in range(7)]
    log.append(decisions)
    log.append_outcomes([an_outcome(f"r{n}", 1.0, n) for n in range(9)])
    assert log.forget_unit("loans", "u1") == Forgotten(decisions=2, outcomes=2)
    assert [d.unit_id for d in log.read("loans")] == ["u0", "u2", "u0", "u2", "u0"]
    assert [o.request_id for o in log.read_outcomes("loans")] == ["r0", "r2", "r3", "r5", "r6", "r7", "r8"]
    assert log.forget_unit("loans", "u1") == log.forget_unit("nowhere", "u1") == Forgotten()


def test_what_is_older_than_a_time_is_forgotten_with_its_outcomes(log: DecisionLog) -> None:
    decisions = [a_decision(n) for n in range(6)]
    log.append(decisions)
    log.append_outcomes([an_outcome("r1", 1.0, 100), an_outcome("r5", 1.0, 100), an_outcome("early", 1.0, 1)])
    assert log.forget_before("loans", decisions[3].at) == Forgotten(decisions=3, outcomes=2)
    assert log.read("loans") == decisions[3:]
    assert [o.request_id for o in log.read_outcomes("loans")] == ["r5"]


def test_rules_are_those_last_put_in_force_for_the_endpoint(log: DecisionLog) -> None:
    assert log.rules("loans") == LogRules()
    log.govern("loans", LogRules("always", 7, {"age": "hash"}))
    log.govern("loans", LogRules("off", 8))
    assert (log.rules("loans"), log.rules("cards")) == (LogRules("off", 8), LogRules())


@pytest.mark.parametrize("bad", [{"sync": "sometimes"}, {"keep_days": -1}, {"redact": {"age": "blur"}}], ids=str)
def test_rules_that_cannot_be_followed_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        LogRules(**bad)


def test_a_pseudonym_is_the_same_for_the_same_text_and_is_not_the_text(log: DecisionLog) -> None:
    assert log.pseudonym("clerk") == log.pseudonym("clerk") != log.pseudonym("nurse")
    assert "clerk" not in log.pseudonym("clerk")
