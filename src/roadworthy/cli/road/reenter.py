"""`roadworthy reenter`: a returned version comes back to pass the gates again, where its defects allow it."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command


def reenter(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The returned version, for example churn:1.")],
    *,
    why: Annotated[str, typer.Option(help="What was mended.")] = "",
) -> None:
    """Bring a returned version back to 'registered'. Refused (exit 4) when only a successor can mend its defects."""
    with desk.road() as road:
        back = road.re_enter(version, why)
    desk.answer(back, f"{back.id} is {back.state.value} again.", f"Next: roadworthy validate {back.id}")


app = command(reenter)
