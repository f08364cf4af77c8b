"""`roadworthy outcomes`: what happened afterwards, late or corrected, by the caller's own request id."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as papq
import typer
from rich.table import Table

from roadworthy.cli.bars import bar
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.handing_in.preflight import read_file
from roadworthy.cli.lookups import the_endpoint
from roadworthy.services.watch.coverage import Coverage
from roadworthy.statistics.frame import Frame


def outcomes(
    desk: Desk,
    file: Annotated[Path | None, typer.Argument(help="CSV or Parquet; none: show how outcomes stand.")] = None,
    *,
    endpoint: Annotated[str, typer.Option(help="The endpoint; none: the only one.")] = "",
    request_id: Annotated[str, typer.Option(metavar="COLUMN", help="The request ids.")] = "request_id",
    outcome: Annotated[str, typer.Option(metavar="COLUMN", help="A number, or the use case's label.")] = "outcome",
    observed_at: Annotated[
        str, typer.Option(metavar="COLUMN", help="When it was observed (ISO 8601).")
    ] = "observed_at",
) -> None:
    """Report outcomes from a file, all or none, the last for a request id counts; or show coverage and delay."""
    if file is None:
        _coverage(desk, endpoint)
        return
    frame = read_file(file)
    frame.require([request_id, outcome], f"'{file.name}'")
    columns = {"request_id": frame[request_id], "outcome": frame[outcome]}
    if observed_at in frame:
        columns["observed_at"] = frame[observed_at]
    with desk.road() as road, tempfile.TemporaryDirectory() as folder:
        renamed = Path(folder) / f"{file.stem}.parquet"
        papq.write_table(Frame(columns).to_arrow(), renamed)
        intake = road.outcome_file(the_endpoint(road, endpoint).id, renamed)
    unmatched = intake["unmatched"]
    lines = [f"{intake['received']:,} outcomes taken in, {intake['matched']:,} belong to a decision."]
    if unmatched:
        lines.append(
            f"  No decision yet for {len(unmatched)} of them, for example '{unmatched[0]}'; they are kept."
        )
    desk.answer(intake, *lines)


def _coverage(desk: Desk, endpoint: str) -> None:
    """How many decisions have their outcome, and how long that takes."""
    with desk.road() as road:
        name = the_endpoint(road, endpoint).id
        found = road.ask("GET", f"/endpoints/{name}/outcomes", Coverage)
    table = Table("days", "decisions so old", "had their outcome", title=f"Outcomes of {name}")
    for point in found.curve:
        table.add_row(f"{point.days:g}", f"{point.decisions:,}", f"{bar(point.share)} {point.share:.0%}")
    due = f"of {found.due:,} that are due, {found.due_known:,}"
    lines = [f"{found.known:,} of {found.requests:,} requests have their outcome; {due}."]
    if found.unmatched:
        lines.append(
            f"{found.unmatched:,} outcomes have no decision yet, for example '{found.some_unmatched[0]}'; kept."
        )
    desk.answer(found, *([table] if found.curve else []), *lines)


app = command(outcomes)
