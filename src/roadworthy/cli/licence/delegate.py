"""`roadworthy delegate`: let somebody sign off or accept in one's place, see who may, and end it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.road.sign import moment
from roadworthy.domain.trust import Delegation


def give(
    desk: Desk,
    taker: Annotated[str, typer.Argument(help="Who may sign in your place.")],
    until: Annotated[str, typer.Option(help="When it ends: 2027-03-31, or a time with its zone.")],
    action: Annotated[str, typer.Option(help="What they may do: sign-off or accept-hand-off.")] = "sign-off",
    use_case: Annotated[str, typer.Option(help="Only in this use case.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Let somebody act in your place (you are named with --as): never for a version they made themselves."""
    body = {"taker": taker, "until": moment(until), "action": action, "use_case": use_case, "reason": reason}
    with desk.road() as road:
        given = road.ask("POST", "/delegations", Delegation, body)
    where = given.use_case or "every use case"
    desk.answer(
        given, f"{given.id}: {given.action} for {given.giver} by {given.taker} in {where} until {given.until}."
    )


def list_all(
    desk: Desk, person: Annotated[str, typer.Option(help="Only those given or taken by this person.")] = ""
) -> None:
    """List delegations, newest first."""
    with desk.road() as road:
        found = road.ask("GET", "/delegations", list[Delegation], person=person)
    table = Table("id", "giver", "taker", "action", "use case", "until", "revoked", title="Delegations")
    for one in found:
        ended = str(one.revoked_at or "")
        table.add_row(one.id, one.giver, one.taker, one.action, one.use_case or "all", str(one.until), ended)
    desk.answer(found, table)


def revoke(
    desk: Desk,
    delegation: Annotated[str, typer.Argument(help="The delegation, for example delegation-1.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End a delegation now. What was signed under it before stands."""
    with desk.road() as road:
        ended = road.ask("POST", f"/delegations/{delegation}/revocation", Delegation, {"reason": reason})
    desk.answer(ended, f"{ended.id} ended: {ended.taker} does not act for {ended.giver} any more.")


app = commands("give", "Let somebody sign in your place, or end that.", give=give, list=list_all, revoke=revoke)
