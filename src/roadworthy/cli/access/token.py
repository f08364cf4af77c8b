"""`roadworthy token`: secrets by which people and programs prove who they are."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands


def list_tokens(desk: Desk, *, person: Annotated[str, typer.Option(help="Only this person's.")] = "") -> None:
    """List tokens: one's own, and an administrator sees everybody's. Secrets are not among it."""
    with desk.road() as road:
        found = road.tokens(person)
    table = Table("token", "person", "name", "covers", "expires", "last used", "state", title="Tokens")
    for t in found:
        used = f"{t.last_used_at:%Y-%m-%d %H:%M}" if t.last_used_at else "never"
        state = "revoked" if t.revoked_at else "expires by itself"
        covers = ", ".join(t.scopes) or "all they may do"
        table.add_row(t.id, t.person, t.name, covers, f"{t.expires_at:%Y-%m-%d %H:%M}", used, state)
    desk.answer(found, table if found else "There are no tokens.")


def create(
    desk: Desk,
    person: Annotated[str, typer.Argument(help="Whose token; nobody: one's own.")] = "",
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    scope: Annotated[
        list[str] | None, typer.Option(help="An action it covers; repeatable. None: all they may do.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="How long it lives; none: as long as the setting allows.")
    ] = None,
) -> None:
    """Make a token. Its secret is shown this once; keep it where only its owner can read it."""
    with desk.road() as road:
        made = road.create_token(person, name=name, scopes=scope or (), days=days)
    t = made.token
    desk.answer(
        {"token": t, "secret": made.secret},
        made.secret,
        f"Token {t.id} of {t.person} covers {', '.join(t.scopes) or 'all they may do'} until "
        f"{t.expires_at:%Y-%m-%d %H:%M}. Shown this once.",
        "Use it: put it in a file only you can read (chmod 600) and name that in ROADWORTHY_TOKEN_FILE.",
    )


def revoke(desk: Desk, token: Annotated[str, typer.Argument(help="The token's id.")]) -> None:
    """Revoke a token: it opens nothing from now on."""
    with desk.road() as road:
        ended = road.revoke_token(token)
    desk.answer(ended, f"Token {ended.id} of {ended.person} is revoked.")


app = commands("list", "List tokens, make one, or revoke one.", list=list_tokens, create=create, revoke=revoke)
