"""`roadworthy rollback`: a new version's traffic is taken away at once."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.rollout.deployments import deployment_table


def rollback(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    reason: Annotated[str, typer.Option(help="Why, for the change record.")],
) -> None:
    """Roll back the rollout on an endpoint: its champion answers everything again."""
    with desk.road() as road:
        moved = road.roll_back(the_endpoint(road, endpoint).id, reason)
    desk.answer(moved, deployment_table(moved), f"Rolled back: {reason}")


app = command(rollback)
