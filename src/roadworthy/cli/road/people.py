"""`roadworthy people`: who may act here, and adding somebody."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands


def list_people(desk: Desk) -> None:
    """List everybody with roles and signing key."""
    with desk.road() as road:
        people = road.people()
    table = Table("person", "roles", "key", title="People")
    for person in people:
        table.add_row(person.id, ", ".join(r.value for r in person.roles), person.key_id[:16])
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


app = commands("list", "List people, or add one.", list=list_people, add=add_person)
