"""`roadworthy changes`: the change record."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command


def changes(
    desk: Desk,
    *,
    subject: Annotated[str, typer.Option(help="Only about this version, use case, endpoint or person.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
) -> None:
    """Show who did what, when and why, newest first. `roadworthy verify` proves that no link was touched."""
    with desk.road() as road:
        found = road.changes(subject, limit)
    table = Table("seq", "at (UTC)", "actor", "action", "subject", "why", "digest", title="Change record")
    for c in found:
        table.add_row(str(c.seq), f"{c.at:%Y-%m-%d %H:%M:%S}", c.actor, c.action, c.subject, c.why, c.digest[:12])
    desk.answer(found, table)


app = command(changes)
