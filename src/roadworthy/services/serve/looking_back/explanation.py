"""Explaining decisions: which inputs moved one logged score away from the usual one, and by how much.

The parts are Shapley values (`statistics/shapley.py`) of the logged inputs, scored again with the version that
answered. The background, what "usual" means, are rows of the data set that the version's passed validation names,
drawn by its digest: whoever asks, whenever, gets the same ones.

How much is told is for the policy to say: whoever may `explain` gets the main reasons with their direction, whoever
may `explain-in-full` every number. What is hidden is said.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from roadworthy.domain.errors import (
    IntegrityError,
    ModelError,
    NotAllowedError,
    NotFoundError,
    shortlist,
)
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.ports import Transaction
from roadworthy.domain.serving import Decision, DecisionStatus
from roadworthy.domain.storing.log import redacted_columns
from roadworthy.domain.trust import Person
from roadworthy.domain.use_case import UseCase
from roadworthy.domain.verdict import Verdict
from roadworthy.services.catalog.datasets import load_dataset
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.scoring import scorer
from roadworthy.services.house import House
from roadworthy.services.serve.looking_back.replay import ROUNDING, inputs_of
from roadworthy.services.serve.protect import passed_validation
from roadworthy.services.watch.trace import decisions_of
from roadworthy.statistics.frame import Frame, column_of
from roadworthy.statistics.shapley import Part, Shapley, shapley

BACKGROUND_ROWS = 64
"""Rows of the validated data set that stand for the usual."""

REASONS = 3
"""Most reasons told to whoever may not see everything."""


class Level(Enum):
    """How much of an explanation is told."""

    REASONS = "reasons"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one input did to the score.

    `raises`: whether it moved the score up. `value` is by how much, `low` and `high` its interval where it was
    sampled; all three are None where they are not told. `given` is the input itself.
    """

    column: str
    raises: bool
    given: Any
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision explained.

    `verdict` is pass, or inconclusive where it could not be explained; `message` says which or why. `reasons` come
    with the largest first. `score` is the row's, `base` the background's mean score; both None where not told.
    `exact`: every coalition of columns was asked. `background` is the digest of the data set its rows are from.
    `hidden` says what is not told at this `level`; empty when all of it is.
    """

    decision: str
    request_id: str
    version: str
    verdict: Verdict
    message: str
    level: Level
    reasons: tuple[Reason, ...] = ()
    score: float | None = None
    base: float | None = None
    exact: bool | None = None
    background: str = ""
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class _Usual:
    """What a row is held against."""

    dataset: Dataset
    case: UseCase


def explain(house: House, actor: Person, key: str) -> list[Explanation]:
    """Explain the decisions whose id or request id is `key`.

    Raises:
        NotFoundError: no such decision.
        NotAllowedError: the policy does not let the actor see any explanation.
    """
    return [_explained(house, actor, decision) for decision in decisions_of(house, key)]


def _explained(house: House, actor: Person, decision: Decision) -> Explanation:
    facts = facts_of(house, endpoint=decision.endpoint, version=decision.version)
    house.allow(actor, "explain", facts)
    level = _level(house, actor, facts)

    def could_not(why: str) -> Explanation:
        message = f"Could not explain: {why}"
        return Explanation(decision.id, decision.request_id, decision.version, Verdict.INCONCLUSIVE, message, level)

    if decision.status is not DecisionStatus.SCORED or decision.score is None:
        return could_not(f"no model scored it ({decision.status.value}).")
    try:
        with house.store.read() as tx:
            version = tx.of(ModelVersion).get(decision.version)
            usual = _usual(tx, version)
        gone = _gone(decision, version)
        if gone:
            return could_not(f"the log does not hold its {shortlist(gone)} (any more): redacted or erased.")
        found = _parts(house, decision, version, usual)
    except (NotFoundError, IntegrityError, ModelError, TypeError, ValueError) as problem:
        return could_not(f"it cannot be scored again: {problem}")
    if abs(found.score - decision.score) > ROUNDING:
        return could_not(f"its inputs score {found.score:.6g} now and {decision.score:.6g} was logged.")
    return _told(decision, found, usual, level)


def _level(house: House, actor: Person, facts: dict[str, Any]) -> Level:
    try:
        house.allow(actor, "explain-in-full", facts)
    except NotAllowedError:
        return Level.REASONS
    return Level.FULL


def _usual(tx: Transaction, version: ModelVersion) -> _Usual:
    """The data set that the version's newest passed validation names.

    Raises:
        NotFoundError: none passed.
    """
    passed = passed_validation(tx, version.id)
    if passed is None:
        raise NotFoundError(f"no validation of {version.id} has passed", remedy="Validate it first.")
    return _Usual(tx.of(Dataset).get(passed.inputs["train"]), tx.of(UseCase).get(version.use_case))


def _gone(decision: Decision, version: ModelVersion) -> list[str]:
    """Inputs the model needs and the record lacks or redacts; what may be missing is there as None."""
    hidden = redacted_columns(decision)
    return [
        spec.name
        for spec in version.signature.inputs
        if spec.name in hidden
        or spec.name not in decision.inputs
        or (decision.inputs[spec.name] is None and not spec.missing_allowed)
    ]


def _parts(house: House, decision: Decision, version: ModelVersion, usual: _Usual) -> Shapley:
    frame, _ = load_dataset(house, usual.dataset, usual.case)
    seed = int(usual.dataset.digest[:16], 16)
    size = min(BACKGROUND_ROWS, frame.n_rows)
    rows = frame.take(np.sort(np.random.default_rng(seed).choice(frame.n_rows, size, replace=False))).rows()
    background = Frame({s.name: column_of(s, [r[s.name] for r in rows]) for s in version.signature.inputs})
    # The orders are drawn by the decision, so that asking again gives the same numbers.
    orders = np.random.default_rng([seed, zlib.crc32(decision.id.encode())])
    return shapley(scorer(house, version), inputs_of(decision, version), background, orders)


def _told(decision: Decision, found: Shapley, usual: _Usual, level: Level) -> Explanation:
    parts = sorted(found.parts, key=lambda p: -abs(p.value))
    whole = Explanation(
        decision=decision.id,
        request_id=decision.request_id,
        version=decision.version,
        verdict=Verdict.PASS,
        message=_sentence(found, parts),
        level=level,
        reasons=tuple(_reason(p, decision, with_numbers=True) for p in parts),
        score=found.score,
        base=found.base,
        exact=found.exact,
        background=usual.dataset.digest,
    )
    if level is Level.FULL:
        return whole
    main = [p for p in parts if _sure(p)][:REASONS]
    return Explanation(
        decision=decision.id,
        request_id=decision.request_id,
        version=decision.version,
        verdict=Verdict.PASS,
        message=_main(main),
        level=level,
        reasons=tuple(_reason(p, decision, with_numbers=False) for p in main),
        hidden=f"all sizes, the usual score and {len(parts) - len(main)} further inputs (explain-in-full shows them)",
    )


def _reason(part: Part, decision: Decision, *, with_numbers: bool) -> Reason:
    given, raises = decision.inputs[part.column], part.value > 0
    if not with_numbers:
        return Reason(part.column, raises, given)
    interval = part.interval
    ends = (interval.low, interval.high) if interval else (None, None)
    return Reason(part.column, raises, given, part.value, *ends)


def _sure(part: Part) -> bool:
    """Whether the direction is more than rounding or the luck of the orders drawn."""
    if part.interval is not None and part.interval.low <= 0.0 <= part.interval.high:
        return False
    return abs(part.value) > ROUNDING


def _sentence(found: Shapley, parts: list[Part]) -> str:
    main = _main([p for p in parts if _sure(p)][:REASONS])
    how = "exact" if found.exact else "sampled, 95 % intervals"
    return f"{main} Usual score {found.base:.4g}, this one {found.score:.4g} ({how})."


def _main(parts: list[Part]) -> str:
    if not parts:
        return "No input moved the score away from the usual one."
    said = [f"{p.column} {'raised' if p.value > 0 else 'lowered'} it" for p in parts]
    return f"Main reasons for the score: {', '.join(said)}."
