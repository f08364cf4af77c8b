"""`roadworthy pause`: a rollout stays where it is until a person lets it go on."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.rollout.deployments import deployment_table


def pause(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    reason: Annotated[str, typer.Option(help="Why, for the change record.")],
) -> None:
    """Pause a rollout: its shares stay, no look moves them. `roadworthy step --resume REASON` lets it go on."""
    with desk.road() as road:
        moved = road.pause(the_endpoint(road, endpoint).id, reason)
    desk.answer(moved, deployment_table(moved), f"Paused: {reason}")


app = command(pause)
