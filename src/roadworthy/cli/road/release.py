"""`roadworthy release`: gate 2."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.gates.progress import DEFAULT_LIMIT_S, Fresh, Limit, run_gate
from roadworthy.cli.gates.sample import traffic_for
from roadworthy.cli.lookups import the_endpoint
from roadworthy.domain.gate import Gate


def release(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    traffic: Annotated[
        str, typer.Option(help="A production sample: its id, or a file; none: the newest registered.")
    ] = "",
    endpoint: Annotated[str, typer.Option(help="Where it will serve; none: the use case's only endpoint.")] = "",
    playbook: Annotated[str, typer.Option(help="A playbook; none: the workspace's playbook.yaml.")] = "",
    fresh: Fresh = False,
    limit_s: Limit = DEFAULT_LIMIT_S,
) -> int:
    """Run the release gate. Exit: 0 passed, 10 failed, 11 inconclusive, 12 a check broke."""
    with desk.road() as road:
        case = road.version(version).use_case
        where = the_endpoint(road, endpoint, case).id
        sample = traffic_for(desk, road, case, traffic)
        about: dict[str, str | bool] = {"production": sample, "endpoint": where, "fresh": fresh}
        return run_gate(desk, road, version, Gate.RELEASE, playbook, limit_s, **about)


app = command(release)
