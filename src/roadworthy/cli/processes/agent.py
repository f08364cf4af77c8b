"""`roadworthy agent`: reports what an application writes into a file of JSON lines about decisions made elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.agent.delivery import Delivery
from roadworthy.agent.reporter import Reporter
from roadworthy.agent.sidecar import follow
from roadworthy.cli.access.credentials import read_credentials
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.processes.stopping import until_stopped
from roadworthy.domain.errors import SettingError, UnavailableError


def agent(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="The file; each line a JSON object.")],
    *,
    name: Annotated[str, typer.Option(help="Under which it was registered: `roadworthy agents register`.")],
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the file.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Report what is there, then end.")] = False,
) -> None:
    """Report a file's lines, and that the application lives, until stopped.

    A line has `request_id`, `inputs`, `score`, `acted`, and if it likes `unit_id`, `at`, `latency_ms`, `error`. Where
    to report is read from ROADWORTHY_URL and ROADWORTHY_TOKEN_FILE. How far the file was reported is kept beside it.
    """
    credentials = read_credentials()
    if not credentials.url:
        raise SettingError(
            "nothing says where to report",
            remedy="Set ROADWORTHY_URL, and ROADWORTHY_TOKEN_FILE with a token that covers `report`.",
            field="ROADWORTHY_URL",
        )
    said = ""

    def told(delivery: Delivery) -> None:
        nonlocal said
        if delivery.problem != said:
            said = delivery.problem
            desk.note(said or "The control plane takes reports again.")

    reporter = Reporter(name, credentials.url, credentials.token)
    try:
        with until_stopped() as stop:
            if once:
                stop.set()
            ended = follow(file, reporter, lambda: datetime.now(UTC), stop, every_s=every, told=told)
    finally:
        reporter.close()
    standing = ended.standing
    document = {
        "reported": ended.taken,
        "refused": standing.refused,
        "lost": standing.lost,
        "problem": ended.problem,
    }
    if ended.problem and once:
        raise UnavailableError(f"the report was not taken: {ended.problem}", remedy="Try again later.", **document)
    desk.answer(
        document,
        f"{ended.taken:,} decisions reported, {standing.refused:,} refused, {standing.lost:,} lines were no decision.",
    )


app = command(agent)
