"""`roadworthy cancel`: end a gate run that has not concluded."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command


def cancel(
    desk: Desk,
    run: Annotated[str, typer.Argument(help="The gate run, for example validation-churn:1-2.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for those who look later.")],
) -> None:
    """End a gate run: its checks stop within a second, it lets nothing through and is signed as cancelled."""
    with desk.road() as road:
        done = road.cancel_gate(run, reason)
        state = road.version(done.version).state
    kept = sum("cancelled" not in f.reasons for f in done.findings)
    desk.answer(
        done,
        f"{done.id} is cancelled; {done.version} is {state.value}. {kept} findings made before stay recorded.",
        f"Next: roadworthy retry {done.id}",
    )


app = command(cancel)
