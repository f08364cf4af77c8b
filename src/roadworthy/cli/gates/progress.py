"""Running a gate and following it: each finding is shown as it comes, then all of them, then what to do next."""

from __future__ import annotations

import time
from collections.abc import Callable

from roadworthy.cli.desk import Desk
from roadworthy.cli.exits import VERDICTS
from roadworthy.cli.files import default_playbook
from roadworthy.cli.gates.findings import finding_line, findings_table, verdict_line
from roadworthy.cli.gates.next_steps import next_steps
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.verdict import Verdict
from roadworthy.sdk import Road

DEFAULT_LIMIT_S = 1800.0
"""Longest wait for a gate's conclusion; the gate itself goes on."""

POLL_S = 0.3
"""Seconds between two looks at a run."""


def run_gate(desk: Desk, road: Road, version: str, gate: Gate, playbook: str, limit_s: float, **about: str) -> int:
    """Start a gate, follow it to its conclusion, show everything; returns the exit code of its verdict."""
    chosen = default_playbook(desk.workspace, playbook)
    started = road.start_gate(version, gate, playbook=chosen, **about)
    desk.note(f"{gate.value} of {version} ({started.id}), playbook {chosen or 'that ships'}")
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
    for _ in range(max(1, int(limit_s / POLL_S))):
        for finding in run.findings[seen:]:
            desk.note(finding_line(finding))
        seen = len(run.findings)
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
