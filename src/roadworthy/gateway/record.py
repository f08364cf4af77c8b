"""Decisions as they are logged, and the memory that gives a retrying caller the same answer again.

A decision's id is the digest of everything it says except its time, its latency and its score. Logging the same
decision twice (a retry, another process) therefore keeps one record. The score is left out because rows that are scored
together with others may differ in their last bits; what was done with it, by which arm of which revision, is in. A
failed attempt and its later success are two records: both happened.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from roadworthy.domain.errors import ConflictError, UnavailableError
from roadworthy.domain.serving import ArmRole, Decision, DecisionStatus, Deployment, Inputs
from roadworthy.domain.storing.log import REDACTED, DecisionLog
from roadworthy.gateway.assign import Routes
from roadworthy.gateway.request import Answer, Rows
from roadworthy.gateway.resolve import Served
from roadworthy.gateway.score import Scored
from roadworthy.statistics.frame import Frame

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Redacted:
    """Which columns of an endpoint's inputs are not recorded as they came: column -> "drop" or "hash".

    Equal values of a hashed column stay equal; `pseudonym` is the log's keyed hash.
    """

    columns: Mapping[str, str]
    pseudonym: Callable[[str], str]

    @classmethod
    def of(cls, log: DecisionLog, endpoint: str) -> Redacted:
        """What the log's rules say now. Raises CouldNotVerifyError: they cannot be read."""
        return cls(log.rules(endpoint).redact, log.pseudonym)

    def apply(self, values: dict[str, Any]) -> None:
        """Redact one row's inputs in place. What is missing stays missing."""
        for column, how in self.columns.items():
            if values.get(column) is not None:
                text = msgspec.json.encode([column, values[column]]).decode()
                values[column] = REDACTED + self.pseudonym(text) if how == "hash" else REDACTED


@dataclass(frozen=True, slots=True)
class Job:
    """One admitted request, the deployment that answers it, and its rows as they will be recorded.

    Attributes:
        routes: which arm answers each row.
        inputs: one dictionary per row, plain values, missing = None.
        digests: one per row, over what the caller said about it.
    """

    served: Served
    rows: Rows
    routes: Routes
    inputs: list[Inputs]
    digests: list[str]

    @classmethod
    def of(cls, served: Served, rows: Rows, now: datetime, redacted: Redacted) -> Job:
        """The job of one request; `redacted` is what of its inputs may be recorded.

        Raises:
            NotLicensedError, UnavailableError: no arm in force is licensed for a row (any more).
            NotFoundError: the caller insists on a version that is not served here.
            ConflictError: it is served, but not to all of these units. A caller may not choose the arm: the
                comparison of arms rests on the draw.
        """
        routes = served.permits.route(served.assigner, rows, now)
        if rows.version:
            _refuse_other_arms(served, rows, routes)
        return cls(served, rows, routes, *contents_of(rows, redacted))


def actions(deployment: Deployment, scored: Scored, scores: Sequence[float | None]) -> tuple[bool, ...]:
    """Whether to act on each row: score >= the answering arm's threshold, or the hold-out's fixed action."""
    champion = next(arm for arm in deployment.arms if arm.role is ArmRole.CHAMPION)
    acted = []
    for assignment, fallback, value in zip(scored.assignments, scored.fallback, scores, strict=True):
        if assignment.arm.role is ArmRole.HOLD_OUT:
            acted.append(deployment.holdout_acts)
        else:
            threshold = champion.threshold if fallback else assignment.arm.threshold
            acted.append(value is not None and value >= threshold)
    return tuple(acted)


def answer_of(deployment: Deployment, rows: Rows, scored: Scored) -> Answer:
    """The answer to one request; rows nobody could answer have no score and no action."""
    scores = tuple(None if math.isnan(value) else value for value in scored.scores.tolist())
    champion = next(arm for arm in deployment.arms if arm.role is ArmRole.CHAMPION)
    return Answer(
        id=rows.id,
        endpoint=deployment.endpoint,
        deployment=deployment.id,
        revision=deployment.revision,
        request_ids=rows.request_ids,
        scores=scores,
        acted=actions(deployment, scored, scores),
        arms=tuple(assignment.arm.name for assignment in scored.assignments),
        versions=tuple(
            champion.version if fallback else assignment.arm.version
            for assignment, fallback in zip(scored.assignments, scored.fallback, strict=True)
        ),
        fallback=tuple(scored.fallback),
    )


def contents_of(rows: Rows, redacted: Redacted) -> tuple[list[Inputs], list[str]]:
    """The rows' inputs as plain values that may be recorded, and a digest per row over unit and these inputs.

    A digest over what is redacted would let it be guessed: a redacted value is nowhere in it either.
    """
    inputs = Frame(rows.columns).rows()
    for values in inputs if redacted.columns else ():
        redacted.apply(values)
    texts = [written(values) for values in inputs]
    return texts, [content_digest(unit, text) for unit, text in zip(rows.unit_ids, texts, strict=True)]


def decisions_of(job: Job, scored: Scored, answer: Answer, at: datetime, latency_ms: float) -> list[Decision]:
    """One decision per row. A failed row has no score of its own; its action is the one that was answered."""
    deployment, rows = job.served.deployment, job.rows
    decisions = []
    for row, (arm, propensity) in enumerate((a.arm, a.propensity) for a in scored.assignments):
        failed = scored.failures[row]
        status = DecisionStatus.HELD_OUT if arm.role is ArmRole.HOLD_OUT else DecisionStatus.SCORED
        status = DecisionStatus.FAILED if failed else status
        acted, request_id = answer.acted[row], rows.request_ids[row]
        identity = decision_id(deployment, job.digests[row], request_id, arm.name, status, failed, acted=acted)
        if failed and scored.fallback[row]:
            failed = f"{failed} (answered by the champion, score {answer.scores[row]!r})"
        decisions.append(
            Decision(
                id=identity,
                request_id=request_id,
                endpoint=deployment.endpoint,
                deployment=deployment.id,
                revision=deployment.revision,
                arm=arm.name,
                version=arm.version,
                unit_id=rows.unit_ids[row],
                at=at,
                inputs=job.inputs[row],
                score=None if failed else answer.scores[row],
                acted=acted,
                propensity=propensity,
                status=status,
                latency_ms=latency_ms,
                error=failed,
                trace=rows.trace,
            )
        )
    return decisions


def written(values: Mapping[str, Any]) -> Inputs:
    """A row's inputs as they are recorded."""
    inputs = Inputs(values)
    inputs.text = _encode(inputs)
    return inputs


def content_digest(unit: str, inputs: Inputs) -> str:
    """The digest over what a caller said about one row: of the JSON list of both."""
    return _hashed(b"".join((b"[", _encode(unit), b",", inputs.text, b"]")))


def decision_id(
    deployment: Deployment,
    content: str,
    request_id: str,
    arm: str,
    status: DecisionStatus,
    failed: str,
    *,
    acted: bool,
) -> str:
    """The id of a decision (formula in the module docstring)."""
    said = (
        deployment.endpoint,
        content,
        request_id,
        deployment.id,
        deployment.revision,
        arm,
        status,
        failed,
        acted,
    )
    return _hashed(_encode(said))


def log_refused(endpoint: str, error: Exception) -> UnavailableError:
    """The log did not take a decision, so nothing may be answered."""
    return UnavailableError(
        f"the decision log of endpoint '{endpoint}' refused the record: {str(error)[:200]}",
        remedy="Nothing is answered that is not on disk; free the disk, then try again.",
        reason="log-refused",
        endpoint=endpoint,
    )


def _refuse_other_arms(served: Served, rows: Rows, routes: Routes) -> None:
    served.arm_of(rows.version)
    for row, assignment in enumerate(routes.assignments):
        arm = assignment.arm
        if arm.role is not ArmRole.HOLD_OUT and arm.version != rows.version:
            raise ConflictError(
                f"row {row} belongs to arm '{arm.name}', which serves {arm.version}, not {rows.version}",
                remedy="Ask the endpoint without a version; the answer says which arm and version gave it.",
                field="version",
                row=row,
                version=arm.version,
            )


def _hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


class Memory:
    """The last answers of one endpoint by the caller's request ids, bounded. Safe to use from several threads."""

    def __init__(self, rows: int) -> None:
        self._limit = rows
        self._known: OrderedDict[str, tuple[str, Answer]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, job: Job) -> Answer | None:
        """The answer already given to this very request, or None.

        Raises:
            ConflictError: a request id was used for another unit or other inputs; outcomes could not be told apart.
        """
        request_ids = job.rows.request_ids
        with self._lock:
            known = [self._known.get(request_id) for request_id in request_ids]
        for request_id, digest, before in zip(request_ids, job.digests, known, strict=True):
            if before is not None and before[0] != digest:
                raise ConflictError(
                    f"the request id {request_id[:64]!r} was used for another unit or other inputs",
                    remedy="Give every decision its own request id: its outcome is reported under it.",
                    field="id",
                    request_id=request_id[:64],
                )
        first = known[0]
        whole = first is not None and None not in known and first[1].request_ids == request_ids
        return first[1] if first is not None and whole else None

    def knows(self, request_id: str) -> bool:
        """Whether a decision with this id was answered lately."""
        return request_id in self._known

    def keep(self, job: Job, answer: Answer) -> None:
        """Remember an answer that is on disk, when the caller named its ids."""
        if job.rows.named:
            pairs = zip(job.rows.request_ids, job.digests, strict=True)
            self.keep_rows([(request_id, digest, answer) for request_id, digest in pairs])

    def keep_rows(self, answered: Sequence[tuple[str, str, Answer]]) -> None:
        """Remember answers that are on disk, by the id their caller named and the digest of the row."""
        if not answered:
            return
        with self._lock:
            for request_id, digest, answer in answered:
                self._known[request_id] = (digest, answer)
                self._known.move_to_end(request_id)
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
