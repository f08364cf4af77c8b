"""`roadworthy licence`: how a version's approval stands, and moving it: renew, suspend, reinstate, retire."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.road.sign import ForWhom, Only, Until, conditions_of
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.trust import SignOff

Version = Annotated[str, typer.Argument(help="The version, for example churn:1.")]
Reason = Annotated[str, typer.Option(help="Why; it goes into the change record.")]


def show(desk: Desk, version: Version) -> None:
    """Show who approved a version, for what and until when, and which signatures count."""
    with desk.road() as road:
        found = road.ask("GET", f"/versions/{version}/licence", dict[str, Any])
    table = Table("person", "for", "round", "standing", "reason", title=f"Signatures under {version}")
    for one in found["sign_offs"]:
        signed = one["sign_off"]
        table.add_row(
            signed["person"], signed["delegation"], str(signed["round"]), one["standing"], signed["reason"]
        )
    desk.answer(found, told(found["standing"]), table)


def renew(
    desk: Desk,
    version: Version,
    *,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="A rejection recalls the version.")] = True,
    reason: Reason = "",
    until: Until = "",
    only: Only = None,
    in_place_of: ForWhom = "",
) -> None:
    """Sign the same evidence again. A quorum renews the approval, and brings back what had expired."""
    body = {"approved": approve, "reason": reason, "in_place_of": in_place_of, **conditions_of(until, only)}
    with desk.road() as road:
        signed = road.ask("POST", f"/versions/{version}/renewal", SignOff, body)
        state = road.version(version).state.value
    done = "renews" if signed.approved else "rejects"
    desk.answer(signed, f"{signed.person} {done} {version} (round {signed.round}); it is {state}.")


def suspend(desk: Desk, version: Version, reason: Reason) -> None:
    """Take an activated version out of service; its traffic falls back at once."""
    _move(desk, version, "suspension", reason)


def reinstate(desk: Desk, version: Version, reason: Reason) -> None:
    """Activate a suspended version again, while its approval holds. Deploy it anew afterwards."""
    _move(desk, version, "reinstatement", reason)


def retire(desk: Desk, version: Version, reason: Reason) -> None:
    """End a version's life. It may have no traffic, and nothing leads back."""
    _move(desk, version, "retirement", reason)


def told(standing: dict[str, Any]) -> str:
    """One sentence about how an approval stands."""
    version, approval = standing["version"], standing["approval"]
    if standing["ended"]:
        return f"{version} is {standing['state']}; its approval does not hold: {standing['ended']}."
    if approval is None or approval["licence"] is None:
        return f"{version} is {standing['state']}; nobody has approved it yet."
    licence = approval["licence"]
    parts = [f"{version} is {standing['state']}, approved by {', '.join(licence['signers'])}"]
    parts += [f"for {column} in {', '.join(values)}" for column, values in licence["only"].items()]
    if standing["days_left"] is not None:
        parts.append(f"for {standing['days_left']:.1f} more days")
    if standing["decisions_left"] is not None:
        parts.append(f"for {standing['decisions_left']} more decisions")
    warning = f" Warning: {standing['warning']}." if standing["warning"] else ""
    return ", ".join(parts) + "." + warning


def _move(desk: Desk, version: str, what: str, reason: str) -> None:
    with desk.road() as road:
        moved = road.ask("POST", f"/versions/{version}/{what}", ModelVersion, {"reason": reason})
    desk.answer(moved, f"{moved.id} is {moved.state.value}.")


app = commands(
    "show",
    "Show how a version's approval stands; renew, suspend, reinstate or retire it.",
    show=show,
    renew=renew,
    suspend=suspend,
    reinstate=reinstate,
    retire=retire,
)
