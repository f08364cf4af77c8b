"""`roadworthy endpoint`: a stable route in front of a declared decision point."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import use_case_named, use_cases
from roadworthy.domain.errors import InputError


def endpoint(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Its name in URLs.")],
    *,
    use_case: Annotated[str, typer.Option(help="The use case; none: the only one.")] = "",
    decision_point: Annotated[
        str, typer.Option(help="Where the score becomes an action; none: the only one.")
    ] = "",
) -> None:
    """Register an endpoint for a decision point that the use case declares."""
    with desk.road() as road:
        cases = use_cases(road)
        if not use_case and cases.total > 1:
            raise InputError("there are several use cases", remedy="Name one with --use-case.")
        case = use_case_named(road, use_case or "".join(u.id for u in cases.items))
        points = [p.name for p in case.decision_points]
        if not decision_point and len(points) > 1:
            raise InputError(
                f"'{case.id}' has several decision points",
                remedy=f"Name one: {', '.join(points)}.",
                field="decision_point",
            )
        made = road.endpoint(name, case.id, decision_point or "".join(points))
    desk.answer(
        made, f"Registered the endpoint {made.id} at the decision point '{made.decision_point}' of {case.id}."
    )


app = command(endpoint)
