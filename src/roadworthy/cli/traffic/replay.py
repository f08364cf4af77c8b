"""`roadworthy replay`: a logged decision scored again."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.marks import marked
from roadworthy.domain.verdict import worst
from roadworthy.services.serve.replay import Replay


def replay(
    desk: Desk,
    key: Annotated[str, typer.Argument(help="Your request id, or a decision id.")],
) -> int:
    """Score the logged inputs with the version that answered, and compare bit for bit.

    Exit: 0 the same score, 10 another one, 11 nothing to compare.
    """
    with desk.road() as road:
        found = road.replay(key)
    replays = msgspec.convert(found, list[Replay])
    table = Table("", "request", "version", "logged", "now", "what")
    for r in replays:
        table.add_row(marked(r.verdict), r.request_id, r.version, _exactly(r.logged), _exactly(r.score), r.message)
    parts = [f"{r.request_id}: {name} says {score!r}" for r in replays for name, score in r.members.items()]
    desk.answer(found, table, *parts)
    return VERDICTS[worst([r.verdict for r in replays])]


def _exactly(score: float | None) -> str:
    return "-" if score is None else repr(score)


app = command(replay)
