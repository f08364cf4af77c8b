"""`DbosEngine`: durable work on DBOS, with SQLite on one machine or PostgreSQL beyond.

One generic DBOS workflow serves every kind of work and finds the registered function by name. The application
version is a constant and the executor id is given, so a restarted process takes up its own unfinished work, edited
code or not. Everything is kept as JSON: nothing in the database is unpickled. No server, no
telemetry, no connection but the database's own.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID
from dbos._error import DBOSException
from sqlalchemy.exc import SQLAlchemyError

from roadworthy.adapters.engines.inline import Function, check_name
from roadworthy.adapters.engines.presence import Presence, presence_on
from roadworthy.adapters.failures import plain_json, rebuild, record
from roadworthy.domain.durable.work import WorkStanding
from roadworthy.domain.errors import ConflictError, RoadworthyError, StorageUnavailableError, UnavailableError

APPLICATION_VERSION = "1"
"""Raised only when recorded steps of older work can no longer be replayed; older work then stays unfinished."""

_POLL_S = 0.05
_OPEN = ("PENDING", "ENQUEUED", "DELAYED")
"""DBOS's words for work that has not ended."""

_LOG = logging.getLogger(__name__)
_running: list[DbosEngine] = []
_running_lock = threading.Lock()


class DbosEngine:
    """Durable work in a database. At most one per process is launched at a time.

    Parameters:
        url: `sqlite:////path/to/file.sqlite` or `postgresql://...`.
        executor: who takes up what: a restarted process takes up what it left under the name it had. While another
            process on the same database is alive under this name, one with the process's id appended is taken.
        close_timeout_s: how long `close` waits for steps that run; work is left at its last recorded step.
    """

    def __init__(self, url: str, *, executor: str = "roadworthy", close_timeout_s: float = 30.0) -> None:
        self._url = url
        self._executor = self._wanted = executor
        self._presence: Presence | None = None
        self._close_timeout_s = close_timeout_s
        self._functions: dict[str, Function] = {}
        self._idle = threading.Condition()
        self._active = 0
        self._closing = False

    def register(self, name: str, function: Function) -> None:
        """Name a durable function, before `launch`."""
        self._functions[name] = function

    def launch(self) -> None:
        """Start, and take up whatever a dead process of the same executor id left unfinished.

        Raises:
            ConflictError: another engine runs in this process.
            StorageUnavailableError: the database cannot be reached.
        """
        with _running_lock:
            if _running:
                raise ConflictError(
                    "a work engine runs in this process already", remedy="Close it before launching another."
                )
            _running.append(self)
        self._closing = False
        try:
            self._presence, self._executor = _present(self._url, self._wanted)
            DBOS(config=self._config())
            DBOS.launch()
        except (DBOSException, SQLAlchemyError, OSError) as error:
            self.close()
            raise StorageUnavailableError(
                f"the work database cannot be opened: {_first_line(error)}",
                remedy="Check that the folder exists and is writable, or that PostgreSQL answers.",
            ) from error

    def run(self, name: str, work_id: str, arguments: dict[str, Any]) -> Any:
        """Run (or rejoin) the work with this id and wait for its result. The same id is never run twice.

        Raises:
            the error the work ended with; UnavailableError when the engine is closed meanwhile.
        """
        handle = self._start(name, work_id, arguments)
        try:
            ending = handle.get_result(polling_interval_sec=_POLL_S)
        except _StoppedError as stopped:
            raise _closed(work_id) from stopped
        except RoadworthyError:
            raise
        except (DBOSException, SQLAlchemyError) as error:
            raise UnavailableError(
                f"the work '{work_id}' could not be followed: {_first_line(error)}",
                remedy="Its recorded steps are kept; run it again with the same id.",
            ) from error
        if "failure" in ending:
            raise rebuild(ending["failure"])
        return ending["result"]

    def submit(self, name: str, work_id: str, arguments: dict[str, Any]) -> None:
        """Start (or leave running) the work with this id, without waiting."""
        self._start(name, work_id, arguments)

    def standing(self, work_id: str) -> WorkStanding:
        """Where the work with this id stands."""
        if self not in _running:
            raise UnavailableError("the work engine is not running", remedy="Launch it first.")
        try:
            found = DBOS.get_workflow_status(work_id)
            if found is None:
                return WorkStanding.UNKNOWN
            if found.status not in _OPEN:
                return WorkStanding.ENDED
            if found.executor_id == self._executor:
                return WorkStanding.HERE
            alive = self._presence is not None and self._presence.is_here(str(found.executor_id))
        except (DBOSException, SQLAlchemyError, OSError) as error:
            raise StorageUnavailableError(
                f"the work '{work_id}' cannot be looked up: {_first_line(error)}",
                remedy="Check the work database's disk and rights, then ask again.",
            ) from error
        return WorkStanding.ELSEWHERE if alive else WorkStanding.LEFT

    def close(self) -> None:
        """Stop taking up work: wait for running steps, leave unfinished work for the next start."""
        with _running_lock:
            if self not in _running:
                return
        with self._idle:
            self._closing = True
            if not self._idle.wait_for(lambda: self._active == 0, self._close_timeout_s):
                _LOG.warning("closing while %d pieces of work are in a step", self._active)
        try:
            DBOS.destroy()
        finally:
            if self._presence is not None:
                self._presence.close()
            with _running_lock:
                _running.remove(self)

    def _start(self, name: str, work_id: str, arguments: dict[str, Any]) -> Any:
        if self not in _running or self._closing:
            raise UnavailableError("the work engine is not running", remedy="Launch it first.")
        check_name(name, self._functions)
        plain = plain_json(arguments, f"the arguments of work '{work_id}'")
        try:
            with SetWorkflowID(work_id):
                return DBOS.start_workflow(_work, name, plain)
        except (DBOSException, SQLAlchemyError) as error:
            raise StorageUnavailableError(
                f"the work '{work_id}' could not be recorded: {_first_line(error)}",
                remedy="Check the work database's disk and rights, then start the work again with the same id.",
            ) from error

    def _perform(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with self._idle:
            if self._closing:
                raise _StoppedError
            self._active += 1
        try:
            check_name(name, self._functions)
            result = self._functions[name](_DbosSteps(self), arguments)
            return {"result": plain_json(result, f"the result of '{name}'")}
        except (DBOSException, SQLAlchemyError):
            raise
        except RoadworthyError as error:
            return {"failure": record(error)}
        except Exception as error:  # noqa: BLE001 - whatever the work raises is its recorded ending
            _LOG.exception("the work '%s' raised", name)
            return {"failure": record(error)}
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def _config(self) -> DBOSConfig:
        return {
            "name": "roadworthy",
            "system_database_url": self._url,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._executor,
            "log_level": "WARNING",
            "enable_otlp": False,
            "serializer": _Json(),
        }


class _StoppedError(BaseException):
    """Leaves a workflow without an ending: DBOS records only `Exception`, so the work stays to be taken up."""


class _DbosSteps:
    """The `Durable` of one run."""

    def __init__(self, engine: DbosEngine) -> None:
        self._engine = engine

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Run `work` once; after a crash, return its recorded result instead."""
        self.go_on()

        def recorded() -> dict[str, Any]:
            try:
                return {"result": plain_json(work(), f"the result of step '{name}'")}
            except Exception as error:  # noqa: BLE001 - whatever the step raises is its recorded ending
                if not isinstance(error, RoadworthyError):
                    _LOG.exception("the step '%s' raised", name)
                return {"failure": record(error)}

        ending: dict[str, Any] = DBOS.run_step({"name": name}, recorded)
        if "failure" in ending:
            raise rebuild(ending["failure"])
        return ending["result"]

    def go_on(self) -> None:
        """Leaves the work, unfinished, when the engine is closing."""
        if self._engine._closing:  # noqa: SLF001 - the engine's own inner part
            raise _StoppedError


class _Json(Serializer):
    """How DBOS keeps values: JSON text, exceptions included; the database can make this process run nothing."""

    def name(self) -> str:
        return "roadworthy_json"

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            return json.dumps({"exception": record(data)})
        return json.dumps({"value": data})

    def deserialize(self, serialized_data: str) -> Any:
        kept = json.loads(serialized_data)
        return rebuild(kept["exception"]) if "exception" in kept else kept["value"]


@DBOS.workflow(name="roadworthy.work")
def _work(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The one workflow: find the function by name and run it."""
    with _running_lock:
        engine = _running[0] if _running else None
    if engine is None:
        raise _StoppedError
    return engine._perform(name, arguments)  # noqa: SLF001 - the workflow is the engine's own inner part


def _present(url: str, wanted: str) -> tuple[Presence, str]:
    """The locks of a work database, and the name held there: the one wanted, or one of this process alone."""
    for name in (wanted, f"{wanted}-{os.getpid()}"):
        presence = presence_on(url)
        if presence.hold(name):
            return presence, name
        presence.close()
    raise ConflictError(
        f"'{wanted}' is carried out by another process, and so is its name with this process's number",
        remedy="Give each server of one work database a name of its own: setting `executor`.",
    )


def _closed(work_id: str) -> UnavailableError:
    return UnavailableError(
        f"the work engine was closed while '{work_id}' ran", remedy="The work goes on at the next start."
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
