"""`roadworthy status`: where everything stands."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import status_of
from roadworthy.cli.marks import MARKS, marked
from roadworthy.cli.records.work import work_table
from roadworthy.cli.rollout.deployments import traffic_bar
from roadworthy.cli.traffic.ledger import ledger_table
from roadworthy.domain.gate import Gate
from roadworthy.domain.lifecycle import State
from roadworthy.domain.verdict import Verdict
from roadworthy.services.licence.expiry import Standing
from roadworthy.services.watch.status import EndpointStatus, Status, VersionStatus

_LAST = (State.SUSPENDED, State.RETURNED, State.RETIRED)
_ORDER = (*(s for s in reversed(State) if s not in _LAST), *_LAST)
"""What serves first, then by how far a version has come; what was taken back stands last."""


def status(desk: Desk) -> None:
    """Show use cases, versions by state, endpoints with their traffic, open work and earned value."""
    with desk.road() as road:
        now = status_of(road)
    shown: list[RenderableType] = [_versions(now)] if now.versions else ["No version is registered yet."]
    if now.endpoints:
        shown.append(_endpoints(now))
    shown += [
        f"{version} answers on {e.endpoint.id}, validated under contract '{under}', which is no longer in force: "
        f"`roadworthy validate {version}`."
        for e in now.endpoints
        for version, under in e.outdated.items()
    ]
    shown += [f"On {e.endpoint.id}: {said}." for e in now.endpoints for said in e.silent.values()]
    shown += [ledger_table(e.ledger, e.endpoint.id) for e in now.endpoints if e.ledger]
    if now.work_items:
        shown.append(work_table(now.work_items, brief=True))
    cases = ", ".join(f"{u.id} ({u.risk_tier.value} risk, {u.owner})" for u in now.use_cases) or "none yet"
    if sum(now.totals.versions.values()) > len(now.versions):
        shown.append(f"The newest {len(now.versions)} versions; all of them: `roadworthy versions`.")
    more = now.totals.use_cases - len(now.use_cases)
    cases += f" and {more:,} more" if more else ""
    shown.append(
        f"Use cases: {cases}. Open work items: {now.totals.open_work:,}. Change record: {now.changes:,} links."
    )
    desk.answer(now, *shown)


def _versions(now: Status) -> Table:
    gates = [g.value for g in Gate]
    table = Table("version", "use case", "state", *gates, "open work", title="Versions by state")
    for v in sorted(now.versions, key=lambda v: _ORDER.index(v.version.state)):
        cells = [_gate(v, g) for g in gates]
        table.add_row(v.version.id, v.version.use_case, v.version.state.value, *cells, str(v.open_work or "-"))
    return table


def _gate(version: VersionStatus, gate: str) -> Text:
    verdict = version.verdicts.get(gate)
    if verdict is None:
        return Text("-", style="dim")
    if verdict == "running":
        return marked(None)
    counts = " ".join(f"{n}{MARKS[Verdict(name)][0]}" for name, n in version.gates.get(gate, {}).items())
    return marked(Verdict(verdict)).append(f"  {counts}", style="dim")


def _endpoints(now: Status) -> Table:
    table = Table("endpoint", "serves", "traffic", "log", "approval left", "last review", title="Endpoints")
    for e in now.endpoints:
        review = marked(e.review.verdict).append(f" {e.review.at:%Y-%m-%d}") if e.review else Text("-", style="dim")
        state = e.deployment.state.value if e.deployment else "nothing"
        traffic = traffic_bar(e.deployment) if e.deployment else ""
        left = Text("\n").join([_left(s) for s in e.approvals]) if e.approvals else Text("-", style="dim")
        table.add_row(e.endpoint.id, state, traffic, _log(e), left, review)
    return table


def _left(of: Standing) -> Text:
    """What is left of an approval: days, decisions, and how much of the newest review moved."""
    if of.ended:
        return Text(f"{of.version}: ended, {of.ended}", style="bold")
    parts = [f"{of.days_left:.1f} days"] if of.days_left is not None else []
    parts += [f"{of.decisions_left:,} decisions"] if of.decisions_left is not None else []
    parts = parts or ["no limit"]
    parts += [f"{of.drift_share:.0%} moved"] if of.drift_share is not None else []
    return Text(f"{of.version}: {', '.join(parts)}", style="bold" if of.warning else "")


def _log(of: EndpointStatus) -> str:
    """Whether decisions are synced, and what is special about their log."""
    said = [f"sync {of.log.sync}" if of.log.sync else "sync as set"]
    said += [f"{of.log.keep_days} d"] if of.log.keep_days else []
    said += [f"{len(of.log.redact)} redacted"] if of.log.redact else []
    return ", ".join(said)


app = command(status)
