"""A deployment as text: its arms with their shares of all traffic."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from roadworthy.cli.bars import COLOURS, bar, split_bar
from roadworthy.domain.serving import ArmRole, Deployment


def shares_of(deployment: Deployment) -> list[tuple[str, ArmRole, float]]:
    """Name, role and share (0..1) of all traffic per arm; a version's weight counts outside the hold-out."""
    held = sum(a.weight for a in deployment.arms if a.role is ArmRole.HOLD_OUT)
    return [
        (a.name, a.role, a.weight if a.role is ArmRole.HOLD_OUT else a.weight * (1 - held)) for a in deployment.arms
    ]


def deployment_table(deployment: Deployment) -> Table:
    """One row per arm with a bar."""
    stage = f", stage {deployment.stage + 1} of {len(deployment.schedule)}" if deployment.schedule else ""
    title = (
        f"{deployment.endpoint}: {deployment.id} revision {deployment.revision}, {deployment.state.value}{stage}"
    )
    table = Table("arm", "role", "share of traffic", title=title)
    for place, (name, role, share) in enumerate(shares_of(deployment)):
        drawn = Text(bar(share), style=COLOURS[place % len(COLOURS)]).append(f" {share:.1%}", style="default")
        table.add_row(name, role.value, drawn)
    return table


def traffic_bar(deployment: Deployment) -> Text:
    """All arms in one bar, with a legend."""
    shares = shares_of(deployment)
    text = split_bar([(name, share) for name, _, share in shares])
    for place, (name, _, share) in enumerate(shares):
        text.append(f" {name} {share:.0%}", style=COLOURS[place % len(COLOURS)])
    return text
