"""`roadworthy step`: one look at the rollout under way."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.marks import number
from roadworthy.cli.rollout.deployments import deployment_table, next_step
from roadworthy.domain.serving import Deployment, DeploymentState
from roadworthy.domain.verdict import Verdict
from roadworthy.rollout.canary import Action, CanaryRule

DEFAULT = CanaryRule()


def step(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    alpha: Annotated[float, typer.Option(help="Error probability of a false rollback.")] = DEFAULT.alpha,
    harm_ratio: Annotated[
        float, typer.Option(help="Rate ratio above which the canary harms.")
    ] = DEFAULT.harm_ratio,
    tolerated_ratio: Annotated[
        float, typer.Option(help="Rate ratio to be refused as proof of safety.")
    ] = DEFAULT.tolerated_ratio,
    max_failure_rate: Annotated[
        float, typer.Option(help="Failure rate to be refused as proof of safety.")
    ] = DEFAULT.max_failure_rate,
    min_requests: Annotated[
        int, typer.Option(help="Canary requests per stage before it advances.")
    ] = DEFAULT.min_requests,
    deadline_h: Annotated[float, typer.Option(help="Hours until an undecided stage pauses.")] = DEFAULT.deadline_h,
    advance_unproven: Annotated[
        bool, typer.Option(help="Advance at --min-requests when nothing points to harm.")
    ] = DEFAULT.advance_unproven,
    resume: Annotated[str, typer.Option(help="Let a paused rollout go on first, for this reason.")] = "",
) -> int:
    """Look at the rollout and act on what its traffic proves; fixed shares are only turned back.

    Exit: 0, or 10 when it was rolled back.
    """
    with desk.road() as road:
        where = the_endpoint(road, endpoint).id
        if resume:
            road.resume(where, resume)
        look = road.step(
            where,
            alpha=alpha,
            harm_ratio=harm_ratio,
            tolerated_ratio=tolerated_ratio,
            max_failure_rate=max_failure_rate,
            min_requests=min_requests,
            deadline_h=deadline_h,
            advance_unproven=advance_unproven,
        )
        found = road.deployments(where)
        now = msgspec.convert(found[0]["deployment"], Deployment) if found else None
    shown = [deployment_table(now)] if now else []
    if look is None:
        desk.answer({"look": None, "deployment": now}, _why_no_look(where, now), *shown)
        return 0
    counts = ", ".join(f"{arm} {look.failures.get(arm, 0)} of {n} failed" for arm, n in look.requests.items())
    desk.answer(
        {"look": look, "deployment": now},
        f"{look.action.replace('_', ' ')}: {look.reason}",
        f"  harm E {number(look.harm_e)}, safety E {number(look.safety_e)}, to exceed {number(look.threshold)}",
        f"  {counts}",
        *shown,
    )
    return VERDICTS[Verdict.FAIL] if look.action == Action.ROLL_BACK.value else 0


def _why_no_look(where: str, now: Deployment | None) -> str:
    if now is None or now.state is not DeploymentState.PROGRESSING:
        return f"No rollout is under way on {where}."
    return f"No look judges a {now.strategy.value} deployment. Next: {next_step(now)}"


app = command(step)
