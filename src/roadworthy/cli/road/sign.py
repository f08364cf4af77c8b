"""`roadworthy sign`: an independent validator approves or rejects the newest validation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import who_may
from roadworthy.domain.errors import SettingError
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Role, SignOff

Until = Annotated[str, typer.Option(help="The approval ends then: 2027-03-31, or a time with its zone.")]
Only = Annotated[
    list[str] | None, typer.Option(help="Only rows with this value: COLUMN=VALUE, several by commas; repeatable.")
]
ForWhom = Annotated[str, typer.Option("--for", help="In whose place, under a delegation of theirs.")]


def sign(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Yes or no.")] = True,
    reason: Annotated[str, typer.Option(help="Why; a rejection needs one.")] = "",
    until: Until = "",
    only: Only = None,
    in_place_of: ForWhom = "",
) -> None:
    """Sign the newest validation of a version. The signature binds the evidence: new evidence voids it."""
    body = {"approved": approve, "reason": reason, "in_place_of": in_place_of, **conditions_of(until, only)}
    with desk.road() as road:
        signed = road.ask("POST", f"/versions/{version}/sign-off", SignOff, body)
        found = road.version(version)
        reviewer = who_may(road, Role.RISK_REVIEWER)
    said = "approved" if signed.approved else "rejected"
    if not signed.approved:
        steps = "Next: the developers mend it and register a new version with --parent " + version
    elif found.state is State.AWAITING_SIGN_OFF:
        steps = "The quorum is not reached yet: another validator signs."
    else:
        steps = f"Next: roadworthy release {version} --as {reviewer}"
    desk.answer(
        signed,
        f"{signed.person} {said} {version}, evidence {signed.evidence[:16]}.",
        *([f"  What was handed in with it: {found.description}"] if found.description else []),
        steps,
    )


def conditions_of(until: str, only: list[str] | None) -> dict[str, Any]:
    """The conditions as they go over the wire.

    Raises:
        SettingError: an end that is no time, or a condition that is not COLUMN=VALUE.
    """
    columns: dict[str, list[str]] = {}
    for given in only or ():
        column, sign_, values = given.partition("=")
        if not column.strip() or not sign_:
            raise SettingError(
                f"--only {given!r} is no condition", remedy="Write COLUMN=VALUE, like region=north.", field="only"
            )
        columns.setdefault(column.strip(), []).extend(v.strip() for v in values.split(",") if v.strip())
    return {"until": moment(until) if until else None, "only": columns}


def moment(text: str) -> str:
    """A time as it goes over the wire; a day alone is its beginning, UTC.

    Raises:
        SettingError: no time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise SettingError(
            f"'{text}' is no time", remedy="Write 2027-03-31 or 2027-03-31T12:00:00Z.", field="until"
        ) from problem
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


app = command(sign)
