"""`roadworthy compose`: approved versions become one version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.gates.next_steps import after_registering
from roadworthy.cli.lookups import use_case_named


def compose(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="The composition: YAML or JSON; see the data scientist's guide.")],
    *,
    use_case: Annotated[str, typer.Option(help="The use case of all members.")],
    name: Annotated[str, typer.Option(help="The composition's name.")],
    threshold: Annotated[float, typer.Option(help="Act when the score is at least this, 0 to 1.")] = 0.5,
    train: Annotated[str, typer.Option(help="The training data set's id; none: the first member's.")] = "",
    description: Annotated[str, typer.Option(help="What it is.")] = "",
) -> None:
    """Register approved versions as one version that is judged, deployed and rolled back as one."""
    with desk.road() as road:
        case = use_case_named(road, use_case)
        about = {"threshold": threshold, "train_dataset": train, "description": description}
        version = road.compose(file, use_case, name=name, **about)
        step = after_registering(road, version.id, use_case, case.owner)
    desk.answer(
        {"version": version, "next": [step]},
        f"Composed {version.id} of {', '.join(m.version for m in version.members)};"
        f" inputs {', '.join(version.signature.names)}",
        step,
    )


app = command(compose)
