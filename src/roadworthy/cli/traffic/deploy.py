"""`roadworthy deploy`: an activated version in front of traffic, at once or as a canary."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.traffic.deployments import deployment_table
from roadworthy.domain.errors import SettingError
from roadworthy.domain.serving import DeploymentState


def deploy(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    endpoint: Annotated[str, typer.Option(help="Where; none: the use case's only endpoint.")] = "",
    schedule: Annotated[
        str, typer.Option(metavar="A,B,...,1", help="Shares a canary goes through; none: 0.05,0.25,0.5,1.")
    ] = "",
) -> None:
    """Deploy: all traffic when nothing serves there yet, else a canary that `step` moves on."""
    shares = read_schedule(schedule)
    with desk.road() as road:
        where = the_endpoint(road, endpoint, road.version(version).use_case).id
        deployed = road.deploy(version, where, shares)
    step = (
        f"Next: roadworthy step {where}"
        if deployed.state is DeploymentState.PROGRESSING
        else f"Next: roadworthy predict FILE --endpoint {where}, or roadworthy up and POST /v2/models/{where}/infer"
    )
    desk.answer(deployed, deployment_table(deployed), step)


def read_schedule(text: str) -> tuple[float, ...]:
    """Shares separated by commas.

    Raises:
        SettingError: one of them is no number.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as problem:
        raise SettingError(
            f"the schedule is '{text}'", remedy="Give shares like 0.05,0.25,0.5,1.", field="schedule"
        ) from problem


app = command(deploy)
