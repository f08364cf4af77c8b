"""`roadworthy accept`: an operator takes a candidate into operation."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command


def accept(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    run_book: Annotated[str, typer.Option(help="What to do at night: text, or where it stands.")],
    service_owner: Annotated[str, typer.Option(help="Who owns the service; nobody named: who accepts.")] = "",
    in_place_of: Annotated[str, typer.Option("--for", help="In whose place, when they delegated it to you.")] = "",
) -> None:
    """Accept a candidate, with an owner of the service and a run book."""
    with desk.road() as road:
        owner = service_owner or road.actor
        accepted = road.accept(version, service_owner=owner, run_book=run_book, in_place_of=in_place_of)
    desk.answer(
        accepted,
        f"{accepted.operator} accepted {version}; {accepted.service_owner} owns the service.",
        f"Next: roadworthy activate {version} --as {accepted.operator}",
    )


app = command(accept)
