"""`roadworthy init`: a workspace with commented settings, an editable playbook, and people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated

import typer

from roadworthy.apps.settings import FILE, Settings, create_workspace
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.files import PLAYBOOK, write_new
from roadworthy.domain.errors import AlreadyExistsError, RoadworthyError, SettingError
from roadworthy.domain.trust import Person, Role
from roadworthy.services.catalog.people import read_roles
from roadworthy.services.gates.playbooks import DEFAULT

CAST = {
    "olga": (Role.BUSINESS_OWNER,),
    "dan": (Role.DATA_SCIENTIST,),
    "vera": (Role.VALIDATOR,),
    "rita": (Role.RISK_REVIEWER,),
    "omar": (Role.OPERATOR,),
    "ada": (Role.AUDITOR,),
    "petra": (Role.PRIVACY_OFFICER,),
}
"""Who is there when nobody is named: one person per role."""


def init(
    desk: Desk,
    person: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:ROLE[,ROLE]", help="A person and their roles; repeatable. Nobody: a default cast."
        ),
    ] = None,
    team: Annotated[
        bool, typer.Option(help="Several people will work here: each acts with a token of their own.")
    ] = False,
    store: Annotated[
        str, typer.Option(metavar="URL", help="Keep the record in PostgreSQL: postgresql://USER@HOST/DATABASE.")
    ] = "",
) -> None:
    """Make a workspace: settings, playbook, keys, people. Never overwrites one."""
    cast = read_cast(person or ())
    root = desk.workspace.resolve()
    if (root / FILE).exists():
        raise AlreadyExistsError(
            f"'{root}' is a workspace already",
            remedy="Choose another folder with --workspace; nothing was touched.",
        )
    playbook = DEFAULT.read_bytes()
    create_workspace(root)
    write_new(root / FILE, settings_text(**_given(team, store)).encode())
    if not (root / PLAYBOOK).exists():
        write_new(root / PLAYBOOK, playbook)
    try:
        people = _introduced(desk, cast)
    except RoadworthyError:
        (root / FILE).unlink()  # `init` can be said again, with a store that answers
        raise
    lines = [f"  {p.id:<12}{', '.join(r.value for r in p.roles)}" for p in people]
    desk.answer(
        {"workspace": str(root), "settings": FILE, "playbook": PLAYBOOK, "people": people},
        f"Workspace {root}\n  {FILE} holds the settings, {PLAYBOOK} the checks and their thresholds.",
        "People (each acts with a token: roadworthy token create NAME)"
        if team
        else "People (act as one of them with --as)",
        "\n".join(lines),
        "Next: roadworthy register MODEL --use-case NAME --data TRAIN.csv --target COLUMN --positive VALUE --as "
        + next((p.id for p in people if Role.DATA_SCIENTIST in p.roles), "PERSON"),
    )


def _introduced(desk: Desk, cast: dict[str, tuple[Role, ...]]) -> list[Person]:
    """Everybody of the cast added; who is here now."""
    with desk.road() as road:
        known = {p.id for p in road.people()}
        for name, roles in cast.items():
            if name not in known:
                road.add_person(name, *(r.value for r in roles))
        return [p for p in road.people() if Role.PLATFORM not in p.roles]


def _given(team: bool, store: str) -> dict[str, object]:
    """The settings that differ from their defaults."""
    return ({"local_acting": False} if team else {}) | ({"store_url": store} if store else {})


def read_cast(given: Sequence[str]) -> dict[str, tuple[Role, ...]]:
    """People by name from `NAME:ROLE[,ROLE]`; the default cast from none.

    Raises:
        SettingError: spelled otherwise, an unknown role, or a name given twice.
    """
    cast: dict[str, tuple[Role, ...]] = {}
    for text in given:
        name, _, roles = text.partition(":")
        if not name.strip() or not roles.strip() or name in cast:
            raise SettingError(
                f"--person {text!r} is not NAME:ROLE, or names somebody twice",
                remedy=f"Roles: {', '.join(r.value for r in Role if r is not Role.PLATFORM)}.",
                field="person",
            )
        cast[name.strip()] = read_roles([r.strip() for r in roles.split(",")])
    return cast or dict(CAST)


def settings_text(**given: object) -> str:
    """`roadworthy.toml` with every setting explained: at its default and commented out, or as given."""
    lines = [
        "# Settings of this workspace. Remove a '#' to change one; ROADWORTHY_<NAME> in the environment wins.\n"
    ]
    for f in fields(Settings):
        if f.name == "workspace":
            continue
        unit = f" ({f.metadata['unit']})" if f.metadata["unit"] else ""
        value = given.get(f.name, f.default)
        text = json.dumps(value)
        mark = "" if f.name in given else "# "
        lines.append(f"# {f.metadata['help']}{unit}\n{mark}{f.name} = {text}\n")
    return "\n".join(lines)


app = command(init)
