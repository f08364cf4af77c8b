"""`roadworthy shadows`: what shadows would have answered, beside what was answered."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.marks import between, number
from roadworthy.services.serve.shadows import ShadowReport


def shadows(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
) -> None:
    """Compare every shadow with the champion on the rows both have scored: agreement, differences, time."""
    with desk.road() as road:
        where = the_endpoint(road, endpoint).id
        found = road.shadows(where)
    if not found:
        desk.answer(found, f"No shadow scores on {where}: roadworthy deploy VERSION --strategy shadow")
        return
    desk.answer(found, *[_table(report) for report in found])


def _table(report: ShadowReport) -> Table:
    seen = report.comparison
    title = f"{report.version} beside {report.champion}, {report.share:.0%} of the answered units"
    table = Table("measure", "value", title=title)
    table.add_row("rows both scored", f"{seen.pairs:,}")
    table.add_row("rows the shadow failed on", f"{seen.failed:,}")
    if seen.agreement is None or seen.champion_ms is None or seen.shadow_ms is None:
        return table
    table.add_row("would do the same", f"{seen.agreement:.1%} {between(seen.agreement_interval)}")
    table.add_row("only the shadow would act", f"{seen.only_shadow:,}")
    table.add_row("only the champion acted", f"{seen.only_champion:,}")
    table.add_row("shadow - champion, mean", number(seen.mean_difference))
    table.add_row("  5, 25, 50, 75, 95 %", ", ".join(number(q) for q in seen.differences))
    table.add_row("  largest", number(seen.largest_difference))
    table.add_row(
        "champion, arrival to record, ms", f"median {seen.champion_ms[0]:.2f}, 99 % {seen.champion_ms[1]:.2f}"
    )
    table.add_row("shadow, predict of a batch, ms", f"median {seen.shadow_ms[0]:.2f}, 99 % {seen.shadow_ms[1]:.2f}")
    return table


app = command(shadows)
