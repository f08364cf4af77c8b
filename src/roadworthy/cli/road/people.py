"""`roadworthy people`: who may act here, and adding somebody."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.domain.trust import Person


def list_people(desk: Desk) -> None:
    """List everybody with roles and signing key."""
    with desk.road() as road:
        people = road.people()
    table = Table("person", "roles", "key", "", title="People")
    for person in people:
        gone = "" if person.active else "deactivated"
        table.add_row(person.id, ", ".join(r.value for r in person.roles), person.key_id[:16], gone)
    desk.answer(people, table)


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
    """End what a person may do and sign, from now on. What they signed before stands; there is no way back."""
    with desk.road() as road:
        person = road.ask("POST", f"/people/{name}/deactivate", Person, {"reason": reason})
    desk.answer(
        person, f"Deactivated {person.id}; nothing signed with key {person.key_id[:16]} from now on counts."
    )


app = commands(
    "list", "List people, add or deactivate one.", list=list_people, add=add_person, deactivate=deactivate_person
)
