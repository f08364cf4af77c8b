"""`roadworthy data`: the data sets there are, and who looked at the sealed ones, when, and how often."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.lookups import status_of, use_case_named
from roadworthy.domain.model import DatasetRole


def looks(
    desk: Desk, use_case: Annotated[str, typer.Argument(help="The use case; not given: all of them.")] = ""
) -> None:
    """List every look at sealed data, newest first. A second look of one lineage at the same rows is charged in V2."""
    with desk.road() as road:
        cases = [use_case_named(road, use_case)] if use_case else list(status_of(road).use_cases)
        seen = [look for case in cases for look in road.looks(case.id)]
    table = Table("when", "who", "what", "version", "lineage", "look", "data", title="Looks at sealed data")
    for look in seen:
        number = str(look.number) if look.charged else "not charged"
        table.add_row(
            f"{look.at:%Y-%m-%d %H:%M}", look.actor, look.why, look.version, look.lineage, number, look.dataset
        )
    desk.answer(seen, table if seen else "Nobody has looked at sealed data yet.")


def list_data(
    desk: Desk, use_case: Annotated[str, typer.Argument(help="The use case; not given: all of them.")] = ""
) -> None:
    """List data sets, oldest first: role, rows, digest, and how often sealed ones were read."""
    with desk.road() as road:
        cases = [use_case_named(road, use_case)] if use_case else list(status_of(road).use_cases)
        found = [dataset for case in cases for dataset in road.datasets(case.id)]
    table = Table("data set", "use case", "role", "rows", "digest", "source", "sealed reads", title="Data sets")
    for d in found:
        reads = str(d.reads) if d.role is DatasetRole.SEALED else "not sealed"
        table.add_row(d.id, d.use_case, d.role.value, f"{d.rows:,}", d.digest[:12], d.source, reads)
    desk.answer(found, table if found else "There is no data set yet.")


app = commands(
    "list",
    "Data sets, and every look at the sealed ones. Without a subcommand: list the data sets.",
    list=list_data,
    looks=looks,
)
