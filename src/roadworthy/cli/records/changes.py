"""`roadworthy changes`: the change record, and the signed checkpoints of it one may keep elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.files import write_new


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


def checkpoint(
    desk: Desk,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; keep it away from this server.")],
) -> None:
    """Write the signed checkpoint of the newest link. `roadworthy verify --against FILE` holds the record to it."""
    with desk.road() as road:
        found = road.checkpoint()
    write_new(out, found.envelope.encode())
    desk.answer(
        {"file": str(out), "evidence": found.id, "link": found.subject},
        f"Wrote the signed checkpoint of link {found.subject[:12]}... to {out}.",
        f"Next: keep it elsewhere; later: roadworthy verify --against {out}",
    )


app = commands(
    "list",
    "Show the change record: who did what, when and why. Or write a signed checkpoint of it.",
    list=changes,
    checkpoint=checkpoint,
)
