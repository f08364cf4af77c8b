"""`roadworthy why`: what stands between a version and its next state."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import BLOCKED


def why(desk: Desk, version: Annotated[str, typer.Argument(help="The version, for example churn:1.")]) -> int:
    """Say what blocks a version, and what removes it. Exit: 0 nothing blocks, 1 something does."""
    with desk.road() as road:
        found = road.why(version)
    if found["blocked"]:
        desk.answer(found, f"{version} is {found['state']}.", obstacles_table(found["obstacles"]))
        return BLOCKED
    desk.answer(found, f"{version} is {found['state']}; nothing stands in its way.", f"Next: {found['next_step']}")
    return 0


def obstacles_table(obstacles: list[dict[str, Any]]) -> Table:
    """One row per obstacle."""
    table = Table("in the way", "what", "what removes it")
    for o in obstacles:
        table.add_row(o["kind"], o["what"], o["remedy"])
    return table


app = command(why)
