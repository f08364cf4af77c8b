"""`roadworthy agents`: who reports what versions decide that are served elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.lookups import the_endpoint
from roadworthy.domain.verdict import Verdict


def list_agents(
    desk: Desk, *, endpoint: Annotated[str, typer.Option(help="Only this endpoint's.")] = ""
) -> int | None:
    """List agents. Exit code 10 when one that should have been heard of was not."""
    with desk.road() as road:
        found = road.ask("GET", "/agents", list[dict[str, Any]], endpoint=endpoint)
    table = Table("agent", "endpoint", "version", "every", "heard of", "not told", "", title="Agents")
    for a in found:
        state = "retired" if a["ended_at"] else "SILENT" if a["silent"] else ""
        untold = a["lost"] + a["refused"]
        heard = (a["seen_at"] or "never")[:19]
        table.add_row(a["id"], a["endpoint"], a["version"], f"{a['every_s']:g} s", heard, f"{untold:,}", state)
    desk.answer(found, table if found else "There are no agents.")
    return VERDICTS[Verdict.FAIL] if any(a["silent"] for a in found) else None


def register(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Its name.")],
    version: Annotated[str, typer.Argument(help="The version it reports about.")],
    *,
    endpoint: Annotated[str, typer.Option(help="The endpoint; none: the only one.")] = "",
    every: Annotated[float, typer.Option(help="Seconds within which it is to be heard of.")] = 60.0,
) -> None:
    """Register an agent. It reports with a token that covers `report`: `roadworthy token create --scope report`."""
    with desk.road() as road:
        place = the_endpoint(road, endpoint).id
        body = {"name": name, "endpoint": place, "version": version, "every_s": every}
        made = road.ask("POST", "/agents", dict[str, Any], body)
    desk.answer(made, f"The agent {name} reports what {version} decides on {place}, every {every:g} s at least.")


def retire(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="Its name.")],
    reason: Annotated[str, typer.Option(help="Why; it goes into the change record.")],
) -> None:
    """Take an agent out of service: its silence is no finding any more. What it reported stays."""
    with desk.road() as road:
        ended = road.ask("POST", f"/agents/{name}/retirement", dict[str, Any], {"reason": reason})
    desk.answer(ended, f"The agent {name} is retired.")


app = commands(
    "list", "List agents, register one, or retire one.", list=list_agents, register=register, retire=retire
)
