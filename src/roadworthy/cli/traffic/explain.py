"""`roadworthy explain`: which inputs moved a logged score."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.marks import marked
from roadworthy.domain.verdict import worst
from roadworthy.services.serve.looking_back.explanation import Explanation, Reason


def explain(
    desk: Desk,
    key: Annotated[str, typer.Argument(help="Your request id, or a decision id.")],
) -> int:
    """Tell which inputs moved a logged score away from the usual one, as far as your role may see it.

    Exit: 0 explained, 11 could not be explained.
    """
    with desk.road() as road:
        found = road.explain(key)
    told = msgspec.convert(found, list[Explanation])
    desk.answer(found, *(part for e in told for part in _shown(e)))
    return VERDICTS[worst([e.verdict for e in told])]


def _shown(told: Explanation) -> list[str | Text | Table]:
    about = f" Request {told.request_id}, {told.version or 'no version'}: {told.message}"
    lines: list[str | Text | Table] = [marked(told.verdict).append(about)]
    if told.reasons:
        table = Table("input", "value", "moves the score", "interval")
        for reason in told.reasons:
            table.add_row(reason.column, str(reason.given), *_moved(reason))
        lines.append(table)
    if told.hidden:
        lines.append(f"  Not shown to you: {told.hidden}.")
    return lines


def _moved(reason: Reason) -> tuple[str, str]:
    if reason.value is None:
        return ("up" if reason.raises else "down", "not shown")
    if reason.low is None or reason.high is None:
        return (f"{reason.value:+.4f}", "exact")
    return (f"{reason.value:+.4f}", f"{reason.low:+.4f} to {reason.high:+.4f}")


app = command(explain)
