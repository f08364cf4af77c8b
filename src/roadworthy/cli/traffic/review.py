"""`roadworthy review`: is the licence still deserved?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.lookups import the_endpoint
from roadworthy.cli.marks import against, marked
from roadworthy.domain.errors import SettingError
from roadworthy.domain.review import ReviewRun


def review(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    since: Annotated[str, typer.Option(help="First moment of the window (ISO 8601); none: all decisions.")] = "",
    until: Annotated[str, typer.Option(help="End of the window, not included.")] = "",
) -> int:
    """Review a window of decisions. Exit: 0 holds, 10 a defect is proven, 11 inconclusive, 12 a monitor broke."""
    window = moment(since, "since"), moment(until, "until")
    with desk.road() as road:
        run = road.review(the_endpoint(road, endpoint).id, *window)
    opened = (
        f"Opened {', '.join(run.work_items)}: roadworthy work" if run.work_items else "No work item was opened."
    )
    desk.answer(
        run,
        _signals(run),
        f"{run.version} on {run.endpoint}: {marked(run.verdict).plain}, {run.decisions:,} decisions, "
        f"{run.outcomes:,} with an outcome",
        run.conclusion,
        opened,
    )
    return VERDICTS[run.verdict]


def moment(text: str, field: str) -> datetime | None:
    """A time, UTC when it names no zone.

    Raises:
        SettingError: not ISO 8601.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise SettingError(
            f"--{field} is '{text}'", remedy="Write a time like 2026-01-31T12:00:00Z.", field=field
        ) from problem
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _signals(run: ReviewRun) -> Table:
    table = Table("monitor", "subject", "verdict", "measured", "what it says", title=f"Review {run.id}")
    for s in sorted(run.signals, key=lambda s: -s.verdict.severity):
        numbers = against(s.statistic, s.interval, s.threshold, s.unit)
        table.add_row(s.monitor, s.subject, marked(s.verdict), numbers, s.message)
    return table


app = command(review)
