"""`roadworthy validate`: gate 1."""

from __future__ import annotations

from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.gates.progress import DEFAULT_LIMIT_S, Fresh, Limit, run_gate
from roadworthy.domain.gate import Gate


def validate(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    playbook: Annotated[str, typer.Option(help="A playbook; none: the workspace's playbook.yaml.")] = "",
    fresh: Fresh = False,
    limit_s: Limit = DEFAULT_LIMIT_S,
) -> int:
    """Run the validation gate. Exit: 0 passed, 10 failed, 11 inconclusive, 12 a check broke."""
    with desk.road() as road:
        return run_gate(desk, road, version, Gate.VALIDATION, playbook, limit_s, fresh=fresh)


app = command(validate)
