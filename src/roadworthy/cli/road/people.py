"""`roadworthy people`: who may act here, and adding somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands, turned
from roadworthy.cli.road.sign import moment
from roadworthy.domain.storing.query import MOST, PAGE, Page
from roadworthy.domain.trust import FormerKey, Person
from roadworthy.services.access.keys import KnownKey


def list_people(
    desk: Desk,
    *,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="People on the page.")] = PAGE,
    cursor: Annotated[str, typer.Option(help="The `next` of the page before.")] = "",
) -> None:
    """List people with roles and signing key, newest first."""
    with desk.road() as road:
        found = road.ask("GET", "/people", Page[Person], limit=str(limit), cursor=cursor)
    table = Table("person", "roles", "key", "", title="People")
    for person in found.items:
        gone = "" if person.active else "deactivated"
        table.add_row(person.id, ", ".join(r.value for r in person.roles), person.key_id[:16], gone)
    desk.answer(found, table, turned(found))


def add_person(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="A name of letters, digits, '-', '.' and '@'.")],
    role: Annotated[list[str], typer.Option(help="A role they hold; repeatable.")],
) -> None:
    """Add a person with their roles and a fresh signing key."""
    with desk.road() as road:
        person = road.add_person(name, *role)
    roles = ", ".join(r.value for r in person.roles)
    desk.answer(person, f"Added {person.id} ({roles}); signs with key {person.key_id[:16]}.")


def deactivate_person(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Who may do nothing any more.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the change record.")],
) -> None:
    """End what a person may do and sign, from now on. What they signed before stands."""
    with desk.road() as road:
        person = road.ask("POST", f"/people/{name}/deactivate", Person, {"reason": reason})
    desk.answer(
        person, f"Deactivated {person.id}; nothing signed with key {person.key_id[:16]} from now on counts."
    )


def reactivate_person(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Who may act again.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the change record.")],
) -> None:
    """Let a deactivated person act again, in their roles and under a new key. Their tokens and sessions stay ended."""
    with desk.road() as road:
        person = road.ask("POST", f"/people/{name}/reactivate", Person, {"reason": reason})
    roles = ", ".join(r.value for r in person.roles)
    desk.answer(
        person,
        f"{person.id} ({roles}) is back and signs with key {person.key_id[:16]}.",
        f"Next: roadworthy token create {person.id}; none of their former ones lets them in.",
    )


def list_keys(desk: Desk) -> None:
    """List every signing key there is and was, and from when to when it counts."""
    with desk.road() as road:
        found = road.ask("GET", "/keys", list[KnownKey])
    table = Table("person", "key", "counts from", "until", "", title="Signing keys")
    for key in found:
        told = f"compromised since {_when(key.compromised_since)}" if key.compromised_since else ""
        told = told or ("in use" if key.current else "former")
        table.add_row(key.person, key.key_id[:16], _when(key.valid_from), _when(key.valid_until), told)
    desk.answer(found, table)


def rotate_key(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Whose key; `platform` for the platform's own.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it goes into the change record.")],
    compromised_since: Annotated[
        str, typer.Option(metavar="TIME", help="Since when somebody else may have held the former key.")
    ] = "",
) -> None:
    """Give a person, or the platform, a new signing key. What the former one signed until now stands."""
    body = {"reason": reason, "compromised_since": moment(compromised_since) if compromised_since else None}
    with desk.road() as road:
        person = road.ask("POST", f"/people/{name}/key", Person, body)
    desk.answer(person, f"{person.id} signs with key {person.key_id[:16]} from now on.", *_told(person.former[-1]))


def revoke_key(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Whose key it was.")],
    key: Annotated[str, typer.Argument(help="The key's id, or how it begins (`roadworthy people keys`).")],
    *,
    compromised_since: Annotated[
        str, typer.Option(metavar="TIME", help="Since when somebody else may have held it.")
    ],
    reason: Annotated[str, typer.Option(help="How that is known; it goes into the change record.")],
) -> None:
    """Refuse what a former key signed from a moment on, and what is not proven to be older."""
    body = {"key": key, "compromised_since": moment(compromised_since), "reason": reason}
    with desk.road() as road:
        person = road.ask("POST", f"/people/{name}/key/revocation", Person, body)
    desk.answer(person, *_told(person.former[-1]))


def list_logins(desk: Desk) -> None:
    """List which account of an identity provider is which person."""
    with desk.road() as road:
        found = road.logins()
    table = Table("person", "account", "of", "since", title="Logins")
    for login in found:
        table.add_row(login.person, login.subject, login.issuer, _when(login.created_at))
    desk.answer(found, table)


def link_login(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Whom the account logs in as.")],
    *,
    issuer: Annotated[str, typer.Option(help="The identity provider, exactly as it names itself.")],
    subject: Annotated[str, typer.Option(help="The account, as a refused login names it.")],
) -> None:
    """Let an account of an identity provider log in as a person; a former link of the account is replaced."""
    with desk.road() as road:
        made = road.link_login(name, issuer, subject)
    desk.answer(made, f"Account {made.subject} of {made.issuer} logs in as {made.person}.")


def _told(key: FormerKey) -> list[str]:
    if key.compromised_since is None:
        return [f"Key {key.key_id[:16]} signs nothing any more; what it signed stands."]
    return [
        f"Key {key.key_id[:16]} counts as compromised since {_when(key.compromised_since)}.",
        f"Of what it signed before, the change record proves {len(key.proven)} statements.",
        "Next: roadworthy verify; then let what does not count any more be signed again.",
    ]


def _when(at: datetime | None) -> str:
    return at.isoformat(sep=" ", timespec="seconds") if at else "-"


app = commands(
    "list",
    "List people and keys, add, deactivate or reactivate one, give one another key.",
    list=list_people,
    add=add_person,
    deactivate=deactivate_person,
    reactivate=reactivate_person,
    keys=list_keys,
    rotate=rotate_key,
    **{"revoke-key": revoke_key},
    logins=list_logins,
    link=link_login,
)
