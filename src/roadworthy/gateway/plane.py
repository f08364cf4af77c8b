"""`Gateway`: the request path every transport shares, and its face for code in the same process.

    resolve -> admit -> route -> predict -> record -> answer

`process` is the heart: rows of several requests in, one answer or error per request out, and nothing comes out that
is not in the decision log. It is synchronous and safe to call from several threads; `batching.py` feeds it from an
event loop.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from roadworthy.domain.errors import InputError, NotFoundError, NotLicensedError, RoadworthyError, UnavailableError
from roadworthy.domain.serving import Decision
from roadworthy.gateway.breaker import waits_s
from roadworthy.gateway.express.line import Row
from roadworthy.gateway.express.way import Express
from roadworthy.gateway.metrics import GatewayMetrics
from roadworthy.gateway.protocol.codec import Reader, decode
from roadworthy.gateway.protocol.columns import from_array
from roadworthy.gateway.record import Job, Memory, Redacted, answer_of, decisions_of, log_refused
from roadworthy.gateway.request import Answer, Asked, Limits, Ports, Rows
from roadworthy.gateway.resolve import Resolver, Served
from roadworthy.gateway.score import Scored, score
from roadworthy.gateway.shadows import Shadows
from roadworthy.gateway.standing.guard import Guard
from roadworthy.statistics.frame import Frame

Result = Answer | RoadworthyError


class Gateway:
    """The data plane of one process."""

    def __init__(self, ports: Ports, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.metrics = GatewayMetrics()
        self.resolver = Resolver(ports, self.limits, self.metrics)
        self._ports = ports
        self._memories: dict[str, Memory] = {}
        self.shadows = Shadows(ports, self.limits, self.metrics)
        self.guard = Guard(ports.artifacts, ports.clock, self.metrics, ports.tallies)

    def resolve(self, endpoint: str) -> Served:
        """The deployment that answers for an endpoint now.

        Raises:
            NotFoundError: no such endpoint.
            UnavailableError: its document does not verify, and none did before.
        """
        if not _is_a_name(endpoint):
            raise NotFoundError(
                f"{endpoint[:64]!r} cannot be the name of an endpoint",
                remedy="Use the name it was deployed under.",
                endpoint=endpoint[:64],
            )
        return self.resolver.current(endpoint)

    def admit(self, served: Served, asked: Asked, *, arrived: float, read: Reader = decode) -> Job:
        """A request checked against what `served` takes and is licensed for; `read` knows how it is written.

        Raises:
            InputError, NotFoundError: the body, or the version insisted on.
            NotLicensedError, UnavailableError: no version in force is approved for a row (any more).
            ThrottledError: the client's budget is spent (see `standing/guard.py`).
        """
        rows = read(asked, served.contract, self.limits, arrived=arrived)
        self.guard.admit(served, rows, asked.caller)
        if asked.trace or asked.marks is not None:
            rows = replace(rows, trace=asked.trace, marks=asked.marks)
        return self.job(served, rows)

    def job(self, served: Served, rows: Rows) -> Job:
        """The rows of a request on their way to the arms that are licensed for them, counted where they are not."""
        endpoint = served.deployment.endpoint
        try:
            job = Job.of(served, rows, self._ports.clock.now(), Redacted.of(self._ports.log, endpoint))
        except (NotLicensedError, UnavailableError) as error:
            column = str(error.fields.get("field", ""))
            self.metrics.unlicensed.add(endpoint, str(error.fields.get("version", "")), column)
            raise
        moved = sum(job.routes.redirected)
        if moved:
            self.metrics.redirected.add(endpoint, by=moved)
        return job

    def infer(self, endpoint: str, body: bytes, version: str = "") -> Answer:
        """Answer one request body, in the calling thread.

        Raises:
            InputError, NotFoundError, ConflictError: the request cannot be answered.
            UnavailableError: nothing verified serves, the model failed, or the decision log refused.
        """
        arrived = time.perf_counter()
        return _raised(self.process([self.admit(self.resolve(endpoint), Asked(body, version), arrived=arrived)])[0])

    def process(self, jobs: Sequence[Job]) -> list[Result]:
        """Answer several requests together: one predict per arm, one write to the log.

        A request id met twice in `jobs` waits for the first to be on disk, so both get the same answer.
        """
        results: dict[int, Result] = {}
        waiting = list(enumerate(jobs))
        while waiting:
            seen: set[tuple[str, str]] = set()
            now: list[tuple[int, Job]] = []
            later: list[tuple[int, Job]] = []
            for number, job in waiting:
                keys = {(job.served.deployment.endpoint, request_id) for request_id in job.rows.request_ids}
                (later if keys & seen else now).append((number, job))
                seen |= keys
            results |= self._round(now)
            waiting = later
        return [results[number] for number in range(len(jobs))]

    def express(self, served: Served) -> Express | None:
        """The short way of a deployment, where it has one."""
        return Express.of(served, self.limits)

    def hurry(self, way: Express, rows: Sequence[Row]) -> list[bytes | RoadworthyError | None]:
        """Answer plain rows together on their short way: a body, an error, or None for the long way (`infer`)."""
        memory = self._memory(way.served)
        return way.answer(rows, memory, self._ports.log, self._ports.clock, self.metrics)

    def close(self) -> None:
        """Stop watching, loading models and scoring for shadows. The ports belong to whoever made them."""
        self.guard.close()
        self.resolver.close()
        self.shadows.close()

    def _round(self, jobs: Sequence[tuple[int, Job]]) -> dict[int, Result]:
        results: dict[int, Result] = {}
        fresh: list[tuple[int, Job]] = []
        for number, job in jobs:
            try:
                answer = self._memory(job.served).recall(job)
            except RoadworthyError as error:
                results[number] = error
                continue
            if answer is None:
                fresh.append((number, job))
            else:
                self.metrics.replays.add(answer.endpoint, by=job.rows.n_rows)
                results[number] = answer
        for _, group in groupby(fresh, key=lambda pair: id(pair[1].served)):
            results |= self._answered(list(group))
        return results

    def _answered(self, jobs: Sequence[tuple[int, Job]]) -> dict[int, Result]:
        served = jobs[0][1].served
        endpoint = served.deployment.endpoint
        self.metrics.batch.observe(sum(job.rows.n_rows for _, job in jobs), endpoint)
        began = time.perf_counter()
        scored = score(served, [job.rows for _, job in jobs], [job.routes for _, job in jobs])
        answers = [answer_of(served.deployment, job.rows, s) for (_, job), s in zip(jobs, scored, strict=True)]
        at, clock = self._ports.clock.now(), time.perf_counter()
        decisions: list[Decision] = []
        for (_, job), s, answer in zip(jobs, scored, answers, strict=True):
            decisions += decisions_of(job, s, answer, at, (clock - job.rows.arrived) * 1000)
        try:
            self._ports.log.append(decisions)
        except Exception as error:  # noqa: BLE001 - whatever stopped the log, an unlogged answer must not go out
            self.metrics.log_refusals.add(endpoint)
            return {number: log_refused(endpoint, error) for number, _ in jobs}
        for _, job in jobs:
            if job.rows.marks is not None:
                job.rows.marks.through(began, clock, time.perf_counter())
        self._count(decisions, scored)
        if served.shadows:
            self.shadows.offer(served, [job for _, job in jobs])
        return {
            number: self._concluded(job, s, answer)
            for (number, job), s, answer in zip(jobs, scored, answers, strict=True)
        }

    def _concluded(self, job: Job, scored: Scored, answer: Answer) -> Result:
        if scored.unanswered:
            waits = waits_s(job.served.champion.predictor)
            return UnavailableError(
                f"the model of endpoint '{answer.endpoint}' failed: {scored.unanswered}",
                remedy="The failure is recorded; try again, and tell the model's operator if it stays.",
                reason="circuit-open" if waits else "model-failed",
                endpoint=answer.endpoint,
                **({"retry_after_s": waits} if waits else {}),
            )
        self._memory(job.served).keep(job, answer)
        return answer

    def _count(self, decisions: Sequence[Decision], scored: Sequence[Scored]) -> None:
        for labels, count in Counter((d.endpoint, d.arm, d.version, d.status.value) for d in decisions).items():
            self.metrics.decisions.add(*labels, by=count)
        fallen = sum(sum(s.fallback) for s in scored)
        if fallen:
            self.metrics.fallbacks.add(decisions[0].endpoint, by=fallen)

    def _memory(self, served: Served) -> Memory:
        return self._memories.setdefault(served.deployment.endpoint, Memory(self.limits.remembered_rows))


@dataclass(frozen=True, slots=True)
class InProcessEndpoint:
    """An endpoint called from code in the same process: same checks, arms, log and answers as over HTTP."""

    gateway: Gateway
    endpoint: str

    def predict(
        self, frame: Frame, unit_ids: Sequence[str], request_ids: Sequence[str] | None = None
    ) -> list[Answer]:
        """Answer a table of any length, in batches of at most `Limits.rows_per_batch` rows.

        Args:
            frame: the columns the endpoint takes, shape (n_rows,) each.
            unit_ids: whom each row is about, (n_rows,).
            request_ids: the caller's id of each row, (n_rows,); drawn when not given.

        Returns:
            One answer per batch, in row order.

        Raises:
            InputError: columns or ids that do not fit; names the column and the row.
            UnavailableError: nothing verified serves, the model failed, or the decision log refused. Batches before
                the failing one are answered and recorded; asking again with the same `request_ids` repeats them.
        """
        ids = list(request_ids) if request_ids is not None else [str(uuid.uuid4()) for _ in range(frame.n_rows)]
        for name, given in (("unit_ids", unit_ids), ("request_ids", ids)):
            _refuse_ids(name, given, frame.n_rows)
        size = min(self.gateway.limits.rows_per_batch, self.gateway.limits.rows_per_request)
        return [
            self._batch(
                frame.take(np.arange(start, min(start + size, frame.n_rows))),
                unit_ids[start:],
                ids[start:],
                request_ids is not None,
            )
            for start in range(0, frame.n_rows, size)
        ]

    def _batch(self, frame: Frame, unit_ids: Sequence[str], request_ids: Sequence[str], named: bool) -> Answer:
        arrived = time.perf_counter()
        served = self.gateway.resolve(self.endpoint)
        served.contract.refuse_others(frame.names)
        columns = {n: from_array(c, frame[n]) for n, c in served.contract.columns.items() if n in frame}
        rows = Rows(
            columns=served.contract.bounds.kept(columns, frame.n_rows),
            unit_ids=tuple(unit_ids[: frame.n_rows]),
            request_ids=tuple(request_ids[: frame.n_rows]),
            named=named,
            id=request_ids[0],
            version="",
            arrived=arrived,
        )
        return _raised(self.gateway.process([self.gateway.job(served, rows)])[0])


def _raised(result: Result) -> Answer:
    if isinstance(result, RoadworthyError):
        raise result
    return result


def _is_a_name(endpoint: str) -> bool:
    return (
        0 < len(endpoint) <= 200
        and endpoint[0] != "."
        and endpoint.isprintable()
        and not set(endpoint) & set("/\\")
    )


def _refuse_ids(name: str, given: Sequence[str], n_rows: int) -> None:
    if len(given) != n_rows or (name == "request_ids" and len(set(given)) != n_rows):
        raise InputError(
            f"there are {len(given)} {name} for {n_rows} rows, or one is there twice",
            remedy="Give one per row; request ids each once.",
            field=name,
        )
