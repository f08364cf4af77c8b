"""One arm on the short way: its scores, what is recorded about each, and the answer's bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from roadworthy.domain.model import ColumnSpec
from roadworthy.domain.serving import ArmRole, Decision, DecisionStatus, Inputs
from roadworthy.gateway.assign import Assignment
from roadworthy.gateway.protocol.codec import OUTPUTS
from roadworthy.gateway.record import content_digest, decision_id
from roadworthy.gateway.request import Answer
from roadworthy.gateway.resolve import LoadedArm, Served
from roadworthy.statistics.frame import Floats, column_of

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Row:
    """One row on the short way: plain values in the contract's order, and whose it is."""

    values: list[Any]
    unit: str
    request_id: str
    named: bool
    arrived: float


class Line:
    """What every decision of one arm has in common, made once."""

    def __init__(self, served: Served, loaded: LoadedArm | None, assigned: Assignment) -> None:
        deployment, arm = served.deployment, assigned.arm
        self._deployment = deployment
        self._arm = arm
        self._propensity = assigned.propensity
        self._predictor = loaded.predictor if loaded else None
        self._matrix: Callable[[Floats], Any] | None = getattr(self._predictor, "predict_matrix", None)
        self._held_out = arm.role is ArmRole.HOLD_OUT
        self._status = DecisionStatus.HELD_OUT if self._held_out else DecisionStatus.SCORED
        self.labels = (deployment.endpoint, arm.name, arm.version, self._status.value)
        head = {"model_name": deployment.endpoint, "model_version": arm.version, "id": ""}
        said = {"deployment": deployment.id, "revision": deployment.revision, "fallback": False, "request_ids": []}
        outputs = [{"name": n, "datatype": t, "shape": [1], "data": []} for n, t in OUTPUTS]
        score, acted, name = (_encode(output)[:-2] for output in outputs)
        self._parts = (
            _encode(head)[:-3],
            b',"parameters":' + _encode(said)[:-2],
            b']},"outputs":[' + score,
            b"]}," + acted,
            b"]}," + name + _encode(arm.name) + b"]}]}",
        )

    def scores(
        self, rows: list[list[Any]], specs: Sequence[ColumnSpec], *, floats: bool
    ) -> list[float | None] | None:
        """A score per row (None where the hold-out decides); None as a whole where the model did not answer well."""
        if self._predictor is None:
            return [None] * len(rows)
        try:
            if floats and self._matrix is not None:
                found = self._matrix(np.array(rows, dtype=np.float64))
            else:
                columns = zip(specs, zip(*rows, strict=True), strict=True)
                found = self._predictor.predict({spec.name: column_of(spec, values) for spec, values in columns})
            scores = np.asarray(found, dtype=np.float64)
        except Exception:  # noqa: BLE001 - the long way asks again, and records what a model raises
            return None
        if scores.shape != (len(rows),) or not np.all((scores >= 0) & (scores <= 1)):
            return None
        return list(scores.tolist())

    def decision(
        self, row: Row, inputs: Inputs, score: float | None, at: datetime, latency_ms: float
    ) -> tuple[Decision, str]:
        """The decision about a row, and the digest of what its caller said."""
        deployment, arm = self._deployment, self._arm
        acted = deployment.holdout_acts if self._held_out else score is not None and score >= arm.threshold
        digest = content_digest(row.unit, inputs)
        return Decision(
            decision_id(deployment, digest, row.request_id, arm.name, self._status, "", acted=acted),
            row.request_id,
            deployment.endpoint,
            deployment.id,
            deployment.revision,
            arm.name,
            arm.version,
            row.unit,
            at,
            inputs,
            score,
            acted,
            self._propensity,
            self._status,
            latency_ms,
        ), digest

    def response(self, request_id: str, score: float | None, *, acted: bool) -> bytes:
        """The body of an answer, as `codec.encode` writes it."""
        head, said, scored, decided, named = self._parts
        name = _encode(request_id)
        verdict = b"true" if acted else b"false"
        return b"".join((head, name, said, name, scored, _encode(score), decided, verdict, named))

    def whole_answer(self, decision: Decision) -> Answer:
        """The answer as the memory keeps it for a caller who asks again."""
        return Answer(
            id=decision.request_id,
            endpoint=decision.endpoint,
            deployment=decision.deployment,
            revision=decision.revision,
            request_ids=(decision.request_id,),
            scores=(decision.score,),
            acted=(decision.acted,),
            arms=(decision.arm,),
            versions=(decision.version,),
            fallback=(False,),
        )
