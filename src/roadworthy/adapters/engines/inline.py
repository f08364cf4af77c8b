"""`InlineEngine`: durable work in memory, run in the caller's thread; for tests and simulations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from roadworthy.adapters.failures import plain_json, rebuild, record
from roadworthy.domain.durable.work import Durable, WorkStanding
from roadworthy.domain.errors import ConflictError, NotFoundError, UnavailableError

Function = Callable[[Durable, dict[str, Any]], Any]


@dataclass
class Work:
    """One piece of work: its arguments, its recorded steps in order, and how it ended."""

    name: str
    arguments: dict[str, Any]
    steps: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ending: dict[str, Any] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


Journal = dict[str, Work]
"""Work id -> work; hand it to a second engine to play a restart."""


class InlineEngine:
    """Runs work at once and records its steps in a journal.

    An exception ends the work and is recorded; anything else that leaves the function (a `BaseException`: a test's
    simulated crash) leaves the work unfinished, and `launch` of an engine on the same journal takes it up.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal: Journal = {} if journal is None else journal
        self._functions: dict[str, Function] = {}
        self._lock = threading.Lock()
        self._launched = False

    def register(self, name: str, function: Function) -> None:
        """Name a durable function."""
        self._functions[name] = function

    def launch(self) -> None:
        """Take up unfinished work of the journal."""
        self._launched = True
        for work in list(self.journal.values()):
            if work.ending is None and work.name in self._functions:
                self._carry_on(work)

    def run(self, name: str, work_id: str, arguments: dict[str, Any]) -> Any:
        """Run (or rejoin) the work with this id and return its result, or raise how it ended."""
        work = self._carry_on(self._admit(name, work_id, arguments))
        ending = work.ending or {}
        if "failure" in ending:
            raise rebuild(ending["failure"])
        return ending["result"]

    def submit(self, name: str, work_id: str, arguments: dict[str, Any]) -> None:
        """Run the work with this id now; how it ends is told to whoever runs or rejoins it."""
        self._carry_on(self._admit(name, work_id, arguments))

    def close(self) -> None:
        """Stop taking up work."""
        self._launched = False

    def standing(self, work_id: str) -> WorkStanding:
        """Where the work with this id stands."""
        work = self.journal.get(work_id)
        if work is None:
            return WorkStanding.UNKNOWN
        return WorkStanding.HERE if work.ending is None else WorkStanding.ENDED

    def _admit(self, name: str, work_id: str, arguments: dict[str, Any]) -> Work:
        if not self._launched:
            raise UnavailableError("the work engine is not running", remedy="Launch it first.")
        check_name(name, self._functions)
        plain = plain_json(arguments, f"the arguments of work '{work_id}'")
        with self._lock:
            return self.journal.setdefault(work_id, Work(name, plain))

    def _carry_on(self, work: Work) -> Work:
        with work.lock:
            if work.ending is None:
                try:
                    result = self._functions[work.name](_Steps(work), work.arguments)
                    work.ending = {"result": plain_json(result, f"the result of '{work.name}'")}
                except Exception as error:  # noqa: BLE001 - whatever the work raises is its recorded ending
                    work.ending = {"failure": record(error)}
        return work


class _Steps:
    """The `Durable` of one run: replays what is recorded, then records on."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._position = 0

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Run `work` once, or return what it gave."""
        if self._position == len(self._work.steps):
            self._work.steps.append((name, _attempt(name, work)))
        recorded, ending = self._work.steps[self._position]
        self._position += 1
        if recorded != name:
            raise ConflictError(
                f"the work recorded the step '{recorded}' where it now asks for '{name}'",
                remedy="Durable work must take the same steps in the same order.",
            )
        if "failure" in ending:
            raise rebuild(ending["failure"])
        return ending["result"]

    def go_on(self) -> None:
        """This engine closes only between pieces of work."""


def _attempt(name: str, work: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"result": plain_json(work(), f"the result of step '{name}'")}
    except Exception as error:  # noqa: BLE001 - whatever the step raises is its recorded ending
        return {"failure": record(error)}


def check_name(name: str, functions: dict[str, Function]) -> None:
    """Refuse work that nobody registered."""
    if name not in functions:
        raise NotFoundError(
            f"no durable function is registered as '{name}'",
            remedy=f"Registered are: {', '.join(sorted(functions)) or 'none'}.",
            name=name,
        )
