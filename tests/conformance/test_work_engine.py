"""What every `WorkEngine` does, run against each implementation that ships."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from roadworthy.adapters.engines.dbos_engine import DbosEngine
from roadworthy.adapters.engines.inline import Function, InlineEngine, Journal
from roadworthy.domain.durable.work import Durable, WorkEngine
from roadworthy.domain.errors import DataError, NotFoundError, RoadworthyError, SettingError, UnavailableError

Start = Callable[..., WorkEngine]


def _database(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database of the kind the test asks for."""
    if request.param == "dbos on sqlite":
        return f"sqlite:///{folder}/work.sqlite"
    server = request.getfixturevalue("postgres")
    name = f"w_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return str(server.get_uri(database=name))


@pytest.fixture(params=["inline", "dbos on sqlite", "dbos on postgresql"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start an engine with some functions; a second call plays a restart on the same records."""
    journal: Journal = {}
    url = "" if request.param == "inline" else _database(request, tmp_path)
    running: list[WorkEngine] = []

    def make(**functions: Function) -> WorkEngine:
        while running:
            running.pop().close()
        engine: WorkEngine = DbosEngine(url) if url else InlineEngine(journal)
        for name, function in functions.items():
            engine.register(name, function)
        engine.launch()
        running.append(engine)
        return engine

    yield make
    while running:
        running.pop().close()


class Counted:
    """A durable function of `n` steps that counts what it really did."""

    def __init__(self, n: int = 3) -> None:
        self.n = n
        self.effects: list[str] = []

    def __call__(self, durable: Durable, arguments: dict[str, Any]) -> Any:
        return [durable.step(f"step {k}", lambda k=k: self._effect(k, arguments)) for k in range(self.n)]

    def _effect(self, k: int, arguments: dict[str, Any]) -> dict[str, Any]:
        self.effects.append(f"{k}")
        return {"k": k, "arguments": arguments}


def test_work_gets_its_arguments_and_gives_its_result(start: Start) -> None:
    engine = start(work=Counted(2))
    arguments = {"text": "ä", "number": 1.5, "list": [1, None, True]}
    result = engine.run("work", "w1", arguments)
    assert result == [{"k": 0, "arguments": arguments}, {"k": 1, "arguments": arguments}]


def test_the_same_id_is_never_run_twice_and_returns_the_recorded_result(start: Start) -> None:
    work = Counted(3)
    engine = start(work=work)
    first = engine.run("work", "w1", {"a": 1})
    assert engine.run("work", "w1", {"a": 2}) == first
    assert work.effects == ["0", "1", "2"]


def test_a_restart_does_not_repeat_finished_work(start: Start) -> None:
    before, after = Counted(3), Counted(3)
    first = start(work=before).run("work", "w1", {})
    assert start(work=after).run("work", "w1", {}) == first
    assert after.effects == []


def test_threads_that_ask_for_the_same_work_share_one_run(start: Start) -> None:
    work, results = Counted(3), []
    engine = start(work=work)
    threads = [threading.Thread(target=lambda: results.append(engine.run("work", "w1", {}))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.effects == ["0", "1", "2"]
    assert len(results) == 6
    assert all(r == results[0] for r in results)


def test_submitted_work_can_be_joined_later(start: Start) -> None:
    work = Counted(3)
    engine = start(work=work)
    engine.submit("work", "w1", {"a": 1})
    engine.submit("work", "w1", {"a": 1})
    assert len(engine.run("work", "w1", {"a": 1})) == 3
    assert work.effects == ["0", "1", "2"]


def test_results_are_what_json_makes_of_them_in_the_first_run_too(start: Start) -> None:
    seen = []

    def work(durable: Durable, _: dict[str, Any]) -> Any:
        seen.append(durable.step("pair", lambda: (1, {"a": (2,)})))
        return (3, 4)

    assert start(work=work).run("work", "w1", {}) == [3, 4]
    assert seen == [[1, {"a": [2]}]]


def _refuse() -> Any:
    raise SettingError("the threshold is 2.0", remedy="Use 0 to 1.", setting="threshold", allowed=[0, 1])


def refusing_step(durable: Durable, _: dict[str, Any]) -> Any:
    return durable.step("refuse", _refuse)


def refusing_work(durable: Durable, _: dict[str, Any]) -> Any:
    durable.step("fine", lambda: 1)
    return _refuse()


@pytest.mark.parametrize("work", [refusing_step, refusing_work], ids=["in a step", "between steps"])
def test_our_errors_come_back_as_the_same_class_also_after_a_restart(start: Start, work: Function) -> None:
    for _ in range(2):
        engine = start(work=work)
        with pytest.raises(SettingError) as caught:
            engine.run("work", "w1", {})
        assert caught.value.what == "the threshold is 2.0"
        assert caught.value.remedy == "Use 0 to 1."
        assert caught.value.fields == {"setting": "threshold", "allowed": [0, 1]}


def test_a_built_in_error_comes_back_as_its_class(start: Start) -> None:
    def work(durable: Durable, _: dict[str, Any]) -> Any:
        return durable.step("divide", lambda: 1 // 0)

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            start(work=work).run("work", "w1", {})


def test_an_error_of_a_foreign_class_is_told_by_its_name(start: Start) -> None:
    class LibraryError(Exception):
        pass

    def work(durable: Durable, _: dict[str, Any]) -> Any:
        raise LibraryError("no convergence")

    with pytest.raises(RoadworthyError, match="LibraryError: no convergence"):
        start(work=work).run("work", "w1", {})


def test_work_may_handle_the_error_of_a_step_and_does_so_again_when_rejoined(start: Start) -> None:
    attempts = []

    def work(durable: Durable, _: dict[str, Any]) -> Any:
        try:
            durable.step("refuse", lambda: attempts.append(1) or _refuse())
        except SettingError as error:
            code = error.code
            return durable.step("instead", lambda: code)
        return None

    assert start(work=work).run("work", "w1", {}) == "setting"
    assert start(work=work).run("work", "w1", {}) == "setting"
    assert attempts == [1]


def test_arguments_and_results_that_are_not_json_are_refused(start: Start) -> None:
    engine = start(odd=lambda durable, _: durable.step("odd", object), work=Counted(1))
    with pytest.raises(DataError, match="arguments of work 'w1'"):
        engine.run("work", "w1", {"x": object()})
    with pytest.raises(DataError, match="result of step 'odd'"):
        engine.run("odd", "w2", {})


def test_an_unregistered_name_is_refused_and_the_registered_are_listed(start: Start) -> None:
    engine = start(work=Counted(1), other=Counted(1))
    with pytest.raises(NotFoundError, match="other, work"):
        engine.run("gate", "w1", {})


def test_a_closed_engine_takes_no_work_and_may_be_closed_again(start: Start) -> None:
    engine = start(work=Counted(1))
    engine.close()
    engine.close()
    with pytest.raises(UnavailableError, match="not running"):
        engine.run("work", "w1", {})
    with pytest.raises(UnavailableError, match="not running"):
        engine.submit("work", "w1", {})


def test_many_pieces_of_work_run_side_by_side(start: Start) -> None:
    engine = start(work=Counted(2))
    for n in range(20):
        engine.submit("work", f"w{n}", {"n": n})
    assert [engine.run("work", f"w{n}", {"n": n})[0]["arguments"]["n"] for n in range(20)] == list(range(20))
