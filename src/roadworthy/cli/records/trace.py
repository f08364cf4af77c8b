"""`roadworthy trace`: everything that stands behind one decision."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.marks import number
from roadworthy.services.watch.trace import Trace


def trace(
    desk: Desk,
    key: Annotated[str, typer.Argument(help="Your request id, or a decision id.")],
) -> None:
    """Trace a request: version, inputs, people who judged it, outcome and money."""
    with desk.road() as road:
        found = road.trace(key)
    desk.answer(found, *("\n".join(lines(t)) for t in msgspec.convert(found, list[Trace])))


def lines(found: Trace) -> list[str]:
    """One decision's story, from the request to the money."""
    d = found.decision
    score = f"score {number(d.score)}, " if d.score is not None else ""
    arm = f"{d.arm} on {d.endpoint}, {d.deployment} revision {d.revision}, chance of this arm {d.propensity:.3g}"
    decided = f"{d.status.value}: {score}{'acted' if d.acted else 'did not act'}, {d.latency_ms:.1f} ms"
    told = [
        f"Request {d.request_id} (unit {d.unit_id}) at {d.at:%Y-%m-%d %H:%M:%S} UTC, decision {d.id}",
        _row("answered by", arm),
        _row("decided", decided),
        _row("inputs", ", ".join(f"{k}={v}" for k, v in d.inputs.items())),
        *([_row("error", d.error)] if d.error else []),
        *_behind(found),
    ]
    known, money = found.outcome, found.money
    said = f"{number(known.value)}, received {known.received_at:%Y-%m-%d}" if known else "not known yet"
    told.append(_row("outcome", said))
    told.append(_row("money", number(money, found.unit) if money is not None else "not known yet"))
    return told


def _behind(found: Trace) -> list[str]:
    told: list[str] = []
    if found.version:
        v = found.version
        told.append(
            _row("version", f"{v.id} by {', '.join(v.developers)}, artifact {v.artifact[:16]}, {v.state.value}")
        )
    if found.train:
        told.append(
            _row("trained on", f"{found.train.source} ({found.train.rows:,} rows), {found.train.digest[:16]}")
        )
    told += [
        _row(run.gate.value, f"{run.verdict.value if run.verdict else 'running'}, evidence {run.evidence[:16]}")
        for run in found.gate_runs
    ]
    told += [
        _row("signed by", f"{s.person}: {'approved' if s.approved else 'rejected'} {s.reason}".rstrip())
        for s in found.sign_offs
    ]
    return told


def _row(label: str, text: str) -> str:
    return f"  {label:<13} {text}"


app = command(trace)
