"""`roadworthy erase`: a unit's decisions and outcomes removed for good."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.services.serve.keeping import Erasure


def erase(
    desk: Desk,
    *,
    unit: Annotated[str, typer.Option(help="The unit id under which its decisions were asked for.")],
    reason: Annotated[str, typer.Option(help="Why, without naming the unit: the change record keeps it.")],
    endpoint: Annotated[str, typer.Option(help="From this endpoint's log only; none: from all.")] = "",
) -> None:
    """Erase every decision about a unit, its inputs and its outcomes, from open files, sealed ones and tables."""
    with desk.road() as road:
        body = {"unit_id": unit, "reason": reason, "endpoint": endpoint}
        done = road.ask("POST", "/erasures", Erasure, body)
    lines = [
        f"{name}: {e.decisions:,} decisions and {e.outcomes:,} outcomes erased."
        for name, e in done.endpoints.items()
    ]
    desk.answer(done, *lines, f"In the change record the unit is called {done.unit_digest}.")


app = command(erase)
