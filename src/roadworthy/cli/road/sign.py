"""`roadworthy sign`: an independent validator approves or rejects the newest validation."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import who_may
from roadworthy.domain.trust import Role


def sign(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Yes or no.")] = True,
    reason: Annotated[str, typer.Option(help="Why; a rejection needs one.")] = "",
) -> None:
    """Sign the newest validation of a version. The signature binds the evidence: new evidence voids it."""
    with desk.road() as road:
        signed = road.sign(version, approved=approve, reason=reason)
        described = road.version(version).description
        reviewer = who_may(road, Role.RISK_REVIEWER)
    said = "approved" if signed.approved else "rejected"
    steps = (
        f"Next: roadworthy release {version} --as {reviewer}"
        if signed.approved
        else "Next: the developers mend it and register a new version with --parent " + version
    )
    desk.answer(
        signed,
        f"{signed.person} {said} {version}, evidence {signed.evidence[:16]}.",
        *([f"  What was handed in with it: {described}"] if described else []),
        steps,
    )


app = command(sign)
