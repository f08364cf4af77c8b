"""`roadworthy compact`: the decision log's upkeep, by hand or from cron; a running server does it by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.services.serve.keeping import Upkeep


def compact(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: all of them.")] = "",
) -> None:
    """Remove decisions that are too old, and move sealed ones into Delta tables that other engines read."""
    with desk.road() as road:
        done = road.ask("POST", "/upkeep", Upkeep, {"endpoint": endpoint})
    lines = [f"{name}: {rows:,} rows compacted." for name, rows in done.compacted.items()]
    lines += [
        f"{name}: {e.decisions:,} decisions and {e.outcomes:,} outcomes were too old."
        for name, e in done.expired.items()
    ]
    desk.answer(done, *lines, *([done.tables] if done.tables else []))


app = command(compact)
