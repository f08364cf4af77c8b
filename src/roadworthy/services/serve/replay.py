"""Replaying decisions: the same version, from its verified bytes, scores the logged inputs again.

What comes out is held to what was logged bit for bit. Rows are scored together in the gateway and alone here, and
sums of another order may differ in their last bits: such a difference is told and is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from roadworthy.domain.errors import IntegrityError, ModelError, NotFoundError, shortlist
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.serving import Decision, DecisionStatus
from roadworthy.domain.storing.log import redacted_columns
from roadworthy.domain.verdict import Verdict
from roadworthy.services.gates.scoring import scorer
from roadworthy.services.house import House
from roadworthy.services.watch.trace import decisions_of
from roadworthy.statistics.frame import Frame, column_of

ROUNDING = 1e-12
"""Largest difference of a score, of 0..1, that the order of sums explains."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One decision scored again.

    `verdict` is pass (every bit is the same), warn (within `ROUNDING`), fail (another score) or inconclusive (nothing
    to score again, or not possible any more); `message` says why. `score` is the new one; `members` are
    the scores of a composition's members, of those that are asked with the inputs alone.
    """

    decision: str
    request_id: str
    version: str
    verdict: Verdict
    message: str
    logged: float | None = None
    score: float | None = None
    members: dict[str, float] = field(default_factory=dict)


def replay(house: House, key: str) -> list[Replay]:
    """Score the decisions again whose id or request id is `key`.

    Raises:
        NotFoundError: no such decision.
    """
    return [_with_members(house, decision, _replay(house, decision)) for decision in decisions_of(house, key)]


def _replay(house: House, decision: Decision) -> Replay:
    def came(verdict: Verdict, message: str, score: float | None = None) -> Replay:
        return Replay(decision.id, decision.request_id, decision.version, verdict, message, decision.score, score)

    if decision.status is not DecisionStatus.SCORED or decision.score is None:
        return came(Verdict.INCONCLUSIVE, f"There is no score of a model to compare: {decision.status.value}.")
    hidden = redacted_columns(decision)
    if hidden:
        return came(
            Verdict.INCONCLUSIVE, f"It cannot be scored again: {shortlist(hidden)} was redacted in the log."
        )
    try:
        with house.store.read() as tx:
            version = tx.of(ModelVersion).get(decision.version)
        score = float(scorer(house, version)(inputs_of(decision, version))[0])
    except (NotFoundError, IntegrityError, ModelError) as problem:
        return came(Verdict.INCONCLUSIVE, f"It cannot be scored again: {problem}")
    difference = abs(score - decision.score)
    if score == decision.score:
        return came(Verdict.PASS, "The same score, bit for bit.", score)
    if difference <= ROUNDING:
        return came(Verdict.WARN, f"The same score but for rounding: {difference:.2g} away.", score)
    return came(Verdict.FAIL, f"Another score: {difference:.6g} away from what was logged.", score)


def _with_members(house: House, decision: Decision, found: Replay) -> Replay:
    if found.score is None:
        return found
    with house.store.read() as tx:
        names = [member.version for member in tx.of(ModelVersion).get(decision.version).members]
        members = [tx.of(ModelVersion).get(name) for name in dict.fromkeys(names)]
    scores: dict[str, float] = {}
    for member in members:
        if set(member.signature.names) <= set(decision.inputs):
            try:
                scores[member.id] = float(scorer(house, member)(inputs_of(decision, member))[0])
            except (NotFoundError, IntegrityError, ModelError):
                continue  # the composition may have stood in for it
    return replace(found, members=scores)


def inputs_of(decision: Decision, version: ModelVersion) -> Frame:
    """The logged inputs as the columns the model took, one row; what was missing is missing again."""
    return Frame({s.name: column_of(s, [decision.inputs.get(s.name)]) for s in version.signature.inputs})
