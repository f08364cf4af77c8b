"""`roadworthy retry`: take up a gate run that was left, or start one again that could not conclude."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.gates.progress import DEFAULT_LIMIT_S, Fresh, Limit, shown_to_the_end


def retry(
    desk: Desk,
    run: Annotated[str, typer.Argument(help="The gate run, for example validation-churn:1-2.")],
    *,
    fresh: Fresh = False,
    limit_s: Limit = DEFAULT_LIMIT_S,
) -> int:
    """Try a gate run again: same playbook, same data. Exit: 0 passed, 10 failed, 11 inconclusive, 12 a check broke."""
    with desk.road() as road:
        again = road.retry_gate(run, fresh=fresh)
        desk.note(f"{again.gate.value} of {again.version} ({again.id})")
        return shown_to_the_end(desk, road, again, limit_s)


app = command(retry)
