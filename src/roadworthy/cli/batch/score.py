"""`roadworthy score`: a file of any length through the gateway, in constant memory, and again from where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import typer
from rich.progress import Progress

from roadworthy.cli.batch.batches import digest_of, rows_in, tables
from roadworthy.cli.batch.parts import Parts
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.traffic.predict import answered, request_body, signature_of
from roadworthy.domain.model import Signature
from roadworthy.domain.serving import ArmRole, Deployment
from roadworthy.sdk import Road
from roadworthy.statistics.frame import Frame

ROWS = 1000
"""Rows per request."""

PART = 10
"""Requests per part: so much is asked again, under the same ids, when a scoring goes on after it was killed."""


def score(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, or a Delta table's folder (extra `delta`).")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the answers go: .parquet, else CSV.")],
    endpoint: Annotated[str, typer.Option(help="The endpoint; none: the only one.")] = "",
    unit_id: Annotated[
        str, typer.Option(metavar="COLUMN", help="Whom each row is about; none: every row is its own unit.")
    ] = "",
    request_id: Annotated[
        str, typer.Option(metavar="COLUMN", help="Your own id of each row; none: made of file digest and row.")
    ] = "",
) -> None:
    """Score a file as applications are answered: checked, assigned to arms, logged, each row once.

    Killed or refused on the way, the same command goes on where it stopped: rows asked again have the same ids.
    """
    digest = digest_of(file)
    with desk.road() as road:
        where = the_endpoint(road, endpoint).id
        job = _Job(road, where, signature_of(road, where), unit_id, request_id, digest)
        plan = {"digest": digest, "endpoint": where, "unit_id": unit_id, "request_id": request_id}
        parts = Parts(out, plan)
        with Progress(console=desk.err, transient=True) as progress:
            task = progress.add_task(f"Scoring on {where}", total=rows_in(file), completed=parts.done * PART * ROWS)
            for answers in job.parts(file, skip=parts.done):
                parts.add(answers)
                progress.advance(task, len(answers))
    rows, acted = parts.join()
    desk.answer(
        {"endpoint": where, "rows": rows, "acted": acted, "out": str(out)},
        f"{rows:,} rows decided on {where}, {acted:,} acted on; all answers are in {out}.",
    )


class _Job:
    """One file on its way through one endpoint."""

    def __init__(
        self, road: Road, endpoint: str, signature: Signature, unit_id: str, request_id: str, digest: str
    ) -> None:
        self._road = road
        self._endpoint = endpoint
        self._signature = signature
        self._unit_id = unit_id
        self._request_id = request_id
        self._digest = digest
        self._versions: dict[str, dict[str, str]] = {}

    def parts(self, file: Path, skip: int) -> Iterator[list[dict[str, Any]]]:
        """The answers part by part; the first `skip` parts are not asked for."""
        extra = [c for c in (self._unit_id, self._request_id) if c]
        columns = list(dict.fromkeys([*self._signature.names, *extra]))
        pieces = enumerate(_even(tables(file, columns, self._signature, ROWS)))
        for _ in islice(pieces, skip * PART):
            pass
        while part := list(islice(pieces, PART)):
            yield [answer for number, table in part for answer in self._answers(table, number * ROWS)]

    def _answers(self, table: pa.Table, first: int) -> list[dict[str, Any]]:
        frame = Frame.from_arrow(table)
        requests = [f"{self._digest}-{first + row}" for row in range(table.num_rows)]
        if self._request_id:
            requests = [str(v) for v in table.column(self._request_id).to_pylist()]
        units = [str(v) for v in table.column(self._unit_id).to_pylist()] if self._unit_id else requests
        body = request_body(frame.select(self._signature.names), self._signature, requests, units)
        reply = self._road.predict(self._endpoint, body)
        versions = self._versions_of(reply["parameters"]["deployment"])
        fallen = set(reply["parameters"].get("fallback_rows", ()))
        return [
            {**answer, "version": versions[ArmRole.CHAMPION.value if row in fallen else answer["arm"]]}
            for row, answer in enumerate(answered(reply, requests, units))
        ]

    def _versions_of(self, deployment: str) -> dict[str, str]:
        """The version behind each arm of a deployment, and behind the role of its champion."""
        if deployment not in self._versions:
            for found in self._road.deployments(self._endpoint):
                made = msgspec.convert(found["deployment"], Deployment)
                champion = next(a.version for a in made.arms if a.role is ArmRole.CHAMPION)
                arms = {a.name: a.version for a in made.arms}
                self._versions[made.id] = {ArmRole.CHAMPION.value: champion, **arms}
        return self._versions[deployment]


def _even(pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables of exactly `ROWS` rows but the last, whatever the pieces' lengths: parts must be the same every time."""
    waiting: list[pa.Table] = []
    for piece in pieces:
        waiting.append(piece)
        while sum(t.num_rows for t in waiting) >= ROWS:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, ROWS)
            waiting = [whole.slice(ROWS)]
    rest = pa.concat_tables(waiting) if waiting else None
    if rest is not None and rest.num_rows:
        yield rest


app = command(score)
