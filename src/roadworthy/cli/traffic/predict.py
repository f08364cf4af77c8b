"""`roadworthy predict`: a file scored through an endpoint, as an application would."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.files import write_new
from roadworthy.cli.handing_in.preflight import read_file
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.marks import number
from roadworthy.domain.errors import ConflictError, DataError
from roadworthy.domain.model import DType, Signature
from roadworthy.domain.serving import ArmRole, Deployment
from roadworthy.sdk import Road
from roadworthy.statistics.frame import Frame

ROWS = 1000
"""Rows per request."""

SHOWN = 10
"""Answers shown in the terminal; all of them go to --out."""


def predict(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the endpoint's input columns.")],
    *,
    endpoint: Annotated[str, typer.Option(help="The endpoint; none: the only one.")] = "",
    unit_id: Annotated[
        str, typer.Option(metavar="COLUMN", help="Whom each row is about; none: every row is its own unit.")
    ] = "",
    request_id: Annotated[
        str, typer.Option(metavar="COLUMN", help="Your own id of each row; none: made of file name and row.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write all answers to this CSV file.")] = None,
) -> None:
    """Score a file through the gateway: rows are assigned to arms, logged, and may get outcomes later."""
    frame = read_file(file)
    ids = identities(frame, unit_id, request_id, file)
    with desk.road() as road:
        where = the_endpoint(road, endpoint).id
        signature = signature_of(road, where)
        frame.require(signature.names, f"'{file.name}'")
        answers: list[dict[str, Any]] = []
        for start in range(0, frame.n_rows, ROWS):
            part = slice(start, start + ROWS)
            rows = Frame({n: a[part] for n, a in frame.select(signature.names).columns.items()})
            body = request_body(rows, signature, ids[0][part], ids[1][part])
            answers += answered(road.predict(where, body), ids[0][part], ids[1][part])
    if out is not None:
        write_new(out, _csv(answers), replace=True)
    acted = sum(a["acted"] for a in answers)
    said = f"{len(answers):,} rows decided on {where}, {acted:,} acted on"
    desk.answer(
        {
            "endpoint": where,
            "rows": len(answers),
            "acted": acted,
            "answers": answers,
            "out": str(out) if out else None,
        },
        _shown(answers),
        f"{said}; all answers are in {out}." if out else f"{said}. --out FILE writes all answers.",
    )


def identities(frame: Frame, unit_id: str, request_id: str, file: Path) -> tuple[list[str], list[str]]:
    """Request ids and unit ids, one per row.

    Raises:
        DataError: a column that is not there, or request ids that repeat.
    """
    frame.require([c for c in (unit_id, request_id) if c], f"'{file.name}'")
    requests = (
        [str(v) for v in frame[request_id]] if request_id else [f"{file.stem}-{row}" for row in range(frame.n_rows)]
    )
    if len(set(requests)) < len(requests):
        raise DataError(
            f"'{file.name}': the request ids in '{request_id}' repeat",
            remedy="Name a column in which every row has its own id.",
            column=request_id,
        )
    return requests, [str(v) for v in frame[unit_id]] if unit_id else requests


def signature_of(road: Road, endpoint: str) -> Signature:
    """What the endpoint's champion takes.

    Raises:
        ConflictError: nothing is deployed there.
    """
    found = road.deployments(endpoint)
    deployment = msgspec.convert(found[0]["deployment"], Deployment) if found else None
    arms = deployment.arms if deployment else ()
    champion = next((a for a in arms if a.role is ArmRole.CHAMPION and a.signature), None)
    if champion is None or champion.signature is None:
        raise ConflictError(f"nothing is deployed on '{endpoint}'", remedy="Deploy a version: `roadworthy deploy`.")
    return champion.signature


def request_body(rows: Frame, signature: Signature, requests: list[str], units: list[str]) -> bytes:
    """One Open Inference Protocol request; whole numbers become numbers of the signature's type."""
    plain = rows.rows()
    inputs = [
        {
            "name": spec.name,
            "shape": [len(plain)],
            "datatype": spec.dtype.value,
            "data": [_as(spec.dtype, row[spec.name]) for row in plain],
        }
        for spec in signature.inputs
    ]
    parameters = {"request_ids": requests, "unit_ids": units}
    return msgspec.json.encode({"inputs": inputs, "parameters": parameters})


def answered(reply: dict[str, Any], requests: list[str], units: list[str]) -> list[dict[str, Any]]:
    """One answer per row."""
    outputs = {o["name"]: o["data"] for o in reply["outputs"]}
    return [
        {"request_id": r, "unit_id": u, "score": s, "acted": bool(a), "arm": arm}
        for r, u, s, a, arm in zip(requests, units, outputs["score"], outputs["acted"], outputs["arm"], strict=True)
    ]


def _as(dtype: DType, value: Any) -> Any:
    if dtype is DType.INT64 and isinstance(value, float) and value.is_integer():
        return int(value)
    if dtype is DType.BYTES and value is not None:
        return str(value)
    return value


def _csv(answers: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pacsv.write_csv(pa.Table.from_pylist(answers), buffer)
    return buffer.getvalue()


def _shown(answers: list[dict[str, Any]]) -> Table:
    table = Table("request", "unit", "score", "acted", "arm", title=f"The first {min(SHOWN, len(answers))} answers")
    for a in answers[:SHOWN]:
        table.add_row(a["request_id"], a["unit_id"], number(a["score"]), "yes" if a["acted"] else "no", a["arm"])
    return table


app = command(predict)
