"""Running a gate and following it: each finding is shown as it comes, then all of them, then what to do next."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from roadworthy.cli.desk import Desk
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.files import default_playbook
from roadworthy.cli.gates.findings import finding_line, findings_table, verdict_line
from roadworthy.cli.gates.next_steps import next_steps
from roadworthy.domain.errors import UnavailableError, shortlist
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.verdict import Verdict
from roadworthy.sdk import Road
from roadworthy.services.gates.progress import progress_of

DEFAULT_LIMIT_S = 1800.0
"""Longest wait for a gate's conclusion; the gate itself goes on."""

Limit = Annotated[float, typer.Option("--limit", help="Seconds to wait for the conclusion.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure everything anew, also what still holds.")]

MAX_NAMED = 3
"""At most so many running checks are named beside the bar."""

POLL_S = 0.3
"""Seconds between two looks at a run."""


def run_gate(
    desk: Desk, road: Road, version: str, gate: Gate, playbook: str, limit_s: float, **about: str | bool
) -> int:
    """Start a gate, follow it to its conclusion, show everything; returns the exit code of its verdict."""
    chosen = default_playbook(desk.workspace, playbook)
    started = road.start_gate(version, gate, playbook=chosen, **about)
    desk.note(f"{gate.value} of {version} ({started.id}), playbook {chosen or 'that ships'}")
    return shown_to_the_end(desk, road, started, limit_s)


def shown_to_the_end(desk: Desk, road: Road, started: GateRun, limit_s: float) -> int:
    """Follow a run to its conclusion and show all of it; returns the exit code of its verdict."""
    run = follow(desk, road, started, limit_s)
    steps = next_steps(road, run)
    desk.answer({"run": run, "next": steps}, findings_table(run), verdict_line(run), *steps)
    return VERDICTS[run.verdict or Verdict.ERROR]


def follow(
    desk: Desk, road: Road, run: GateRun, limit_s: float, sleep: Callable[[float], None] = time.sleep
) -> GateRun:
    """The finished run; its findings are noted one by one as they come.

    Raises:
        UnavailableError: it has not concluded within `limit_s` seconds.
    """
    seen = 0
    with _bar(desk.err) as bar:
        task = bar.add_task("", total=None)
        for _ in range(max(1, int(limit_s / POLL_S))):
            for finding in run.findings[seen:]:
                desk.note(finding_line(finding))
            seen = len(run.findings)
            bar.update(task, completed=seen, total=len(run.planned) or None, description=under_way(run))
            if run.verdict is not None:
                return run
            sleep(POLL_S)
            run = road.run(run.id)
    if run.verdict is not None:
        return run
    raise UnavailableError(
        f"{run.id} has made {len(run.findings)} findings and not concluded within {limit_s:g} s",
        remedy="It goes on with `roadworthy up`; look again with `roadworthy status`, or give a longer --limit.",
        run=run.id,
    )


def under_way(run: GateRun) -> str:
    """The checks being judged now, by key; those of a run that has not begun any: none."""
    running = progress_of(run).running
    return shortlist(running, MAX_NAMED) if running else "waiting for the next check"


def _bar(console: Console) -> Progress:
    """A bar on a terminal; elsewhere the lines of the findings are all there is."""
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("checks"),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
