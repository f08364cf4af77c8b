"""Taking in what an agent reports: its decisions go into the decision log, marked as its own.

Everything of a report is taken in, or nothing; sent twice, it is kept once, as a decision's id is the digest of all
it says. A report in the name of an agent says what that agent's version did: the version is never the caller's word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from roadworthy.domain.errors import ConflictError, DataError, shortlist
from roadworthy.domain.model import ColumnSpec, DType, ModelVersion
from roadworthy.domain.serving import Agent, Decision, DecisionStatus
from roadworthy.domain.trust import Person
from roadworthy.evidence.digest import sha256
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House
from roadworthy.services.serve.outcomes import FIRST

MAX_ROWS, MAX_CHARS = 5_000, 256
"""Most decisions in one report; longest id."""

ELSEWHERE = "elsewhere"
"""The arm of a decision that no gateway of ours made."""

AHEAD = timedelta(minutes=5)
"""How far an agent's clock may be ahead of ours."""

_KINDS: dict[DType, tuple[type, ...]] = {
    DType.FP64: (int, float),
    DType.INT64: (int,),
    DType.BOOL: (bool,),
    DType.BYTES: (str,),
}
_LARGEST = {DType.FP64: 1e308, DType.INT64: 2**63 - 1}


@dataclass(frozen=True, slots=True)
class Told:
    """One decision as an agent tells it."""

    request_id: str
    unit_id: str
    inputs: Mapping[str, Any]
    score: float | None
    acted: bool
    at: datetime
    latency_ms: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """What an agent says of itself: since when it runs, and of how many decisions it could not tell."""

    started_at: datetime | None = None
    waiting: int = 0
    lost: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """How many decisions were taken in, and how often the agent is to be heard of."""

    decisions: int
    every_s: float


def take_report(house: House, actor: Person, name: str, told: Sequence[Told], life: Life) -> Taken:
    """Keep what an agent reports, durably, and that it lives.

    Raises:
        NotFoundError: no such agent.
        ConflictError: it was retired.
        DataError: a decision that cannot be one; names its row and field. Nothing was taken in.
    """
    with house.store.read() as tx:
        agent = tx.of(Agent).get(name)
        version = tx.of(ModelVersion).get(agent.version)
    house.allow(actor, "report", facts_of(house, endpoint=agent.endpoint, version=agent.version))
    if agent.ended_at is not None:
        raise ConflictError(
            f"the agent '{name}' is retired", remedy="Register another: `roadworthy agents register`.", agent=name
        )
    if len(told) > MAX_ROWS:
        raise DataError(f"{len(told)} decisions in one report", remedy=f"At most {MAX_ROWS}.", field="decisions")
    columns = {spec.name: spec for spec in version.signature.inputs}
    now = house.clock.now()
    for row, one in enumerate(told):
        _check(row, one, columns, now)
    if life.started_at is not None and life.started_at.tzinfo is None:
        raise DataError("the agent's start has no time zone", remedy="Add one.", field="life.started_at")
    if told:
        house.decisions.append([_decision(agent, one, columns) for one in told])
    with house.store.begin() as tx:
        before = tx.of(Agent).get(name)
        moments = [one.at for one in told] + ([before.decided_at] if before.decided_at else [])
        after = replace(
            before,
            seen_at=now,
            decided_at=max(moments, default=None),
            started_at=life.started_at,
            waiting=life.waiting,
            lost=life.lost,
            refused=life.refused,
        )
        tx.of(Agent).replace(before, after)
    return Taken(len(told), agent.every_s)


def _decision(agent: Agent, told: Told, columns: Mapping[str, ColumnSpec]) -> Decision:
    inputs = {
        n: float(v) if columns[n].dtype is DType.FP64 and v is not None else v for n, v in told.inputs.items()
    }
    said = (agent.id, agent.version, told.request_id, told.unit_id, inputs, told.score, told.acted, told.error)
    return Decision(
        id=sha256(msgspec.json.encode(said))[:32],
        request_id=told.request_id,
        endpoint=agent.endpoint,
        deployment="",
        revision=0,
        arm=ELSEWHERE,
        version=agent.version,
        unit_id=told.unit_id,
        at=told.at,
        inputs=inputs,
        score=told.score,
        acted=told.acted,
        propensity=1.0,
        status=DecisionStatus.SCORED if told.score is not None else DecisionStatus.FAILED,
        latency_ms=told.latency_ms,
        error=told.error if told.score is None else "",
        agent=agent.id,
    )


def _check(row: int, told: Told, columns: Mapping[str, ColumnSpec], now: datetime) -> None:
    for name in ("request_id", "unit_id"):
        if not 1 <= len(getattr(told, name)) <= MAX_CHARS:
            raise _bad(row, name, f"has {len(getattr(told, name))} characters", f"Send 1 to {MAX_CHARS}.")
    if told.at.tzinfo is None or not FIRST < told.at <= now + AHEAD:
        raise _bad(row, "at", f"is {told.at.isoformat()}", "Send a time with its zone that is not to come.")
    if not math.isfinite(told.latency_ms) or told.latency_ms < 0:
        raise _bad(row, "latency_ms", f"is {told.latency_ms}", "Send milliseconds, 0 or more.")
    if told.score is None and not told.error:
        raise _bad(row, "error", "is empty, and there is no score", "Say why there is none.")
    if told.score is not None and not 0 <= told.score <= 1:
        raise _bad(row, "score", f"is {told.score}", "Send a number in 0..1, or null with an error.")
    unknown = sorted(set(told.inputs) - set(columns))
    if unknown:
        raise _bad(row, "inputs", f"has the column {unknown[0][:64]!r}", f"Send {shortlist(sorted(columns), 40)}.")
    missing = sorted(set(columns) - set(told.inputs))
    if missing:
        raise _bad(
            row, "inputs", f"lacks the column '{missing[0]}'", "Send every column; null where it is missing."
        )
    for name, value in told.inputs.items():
        if value is not None and not _fits(value, columns[name].dtype):
            raise _bad(
                row, f"inputs.{name}", f"is {value!r:.40}", f"The model takes {columns[name].dtype.value}, or null."
            )


def _fits(value: object, dtype: DType) -> bool:
    if type(value) not in _KINDS[dtype]:
        return False
    return not isinstance(value, int | float) or -_LARGEST.get(dtype, 1) <= value <= _LARGEST.get(dtype, 1)


def _bad(row: int, field: str, what: str, remedy: str) -> DataError:
    return DataError(
        f"decision {row}: {field} {what}", remedy=f"{remedy} Nothing was taken in.", row=row, field=field
    )
