"""`roadworthy deploy`: activated versions in front of traffic, by a strategy."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.rollout.deployments import deployment_table, next_step
from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import Strategy


def deploy(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    endpoint: Annotated[str, typer.Option(help="Where; none: the use case's only endpoint.")] = "",
    strategy: Annotated[
        Strategy | None, typer.Option(help="How; none: a canary, or all at once where nothing serves yet.")
    ] = None,
    schedule: Annotated[
        str, typer.Option(metavar="A,B,...,1", help="Shares a canary goes through; none: 0.05,0.25,0.5,1.")
    ] = "",
    shares: Annotated[
        str,
        typer.Option(
            metavar="A,B,...", help="The share of each new version: ab-split, champion-challenger, shadow."
        ),
    ] = "",
    beside: Annotated[
        list[str] | None, typer.Option(help="A further new version: ab-split, shadow. May be repeated.")
    ] = None,
) -> None:
    """Deploy: all traffic when nothing serves there yet, else a canary that `step` moves on, or by another strategy."""
    stages, fixed = read_shares(schedule, "schedule"), read_shares(shares, "shares")
    with desk.road() as road:
        where = the_endpoint(road, endpoint, road.version(version).use_case).id
        deployed = road.deploy(
            version,
            where,
            stages,
            strategy=strategy.value if strategy else "",
            shares=fixed,
            beside=beside or (),
        )
    desk.answer(deployed, deployment_table(deployed), f"Next: {next_step(deployed)}")


def read_shares(text: str, field: str) -> tuple[float, ...]:
    """Shares separated by commas.

    Raises:
        SettingError: one of them is no number; names the field.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as problem:
        raise SettingError(
            f"--{field} is '{text}'", remedy="Give shares like 0.05,0.25,0.5,1.", field=field
        ) from problem


app = command(deploy)
