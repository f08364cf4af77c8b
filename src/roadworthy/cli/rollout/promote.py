"""`roadworthy promote`: a person makes a challenger the champion."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.rollout.deployments import deployment_table


def promote(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    arm: Annotated[str, typer.Option(help="Which challenger, where there are several.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the change record.")],
) -> None:
    """Promote a challenger: it answers everything outside the hold-out; the former champion stays loaded."""
    with desk.road() as road:
        moved = road.promote(the_endpoint(road, endpoint).id, reason, arm)
    desk.answer(moved, deployment_table(moved), f"Promoted: {reason}")


app = command(promote)
