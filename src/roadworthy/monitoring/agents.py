"""Agents of models that run elsewhere: whether each was heard of in time, and told everything."""

from __future__ import annotations

from datetime import datetime

from roadworthy.domain.returns import DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.serving import Agent
from roadworthy.domain.verdict import Verdict

MONITOR = "agents"


def heard_of(agent: Agent, now: datetime) -> Signal:
    """FAIL while the agent is silent: nothing was heard of it for three times as long as agreed.

    WARN when it lives and says that decisions were lost or refused: what is on record is then not all there was; PASS
    else, and for an agent that was retired. A count, not an estimate: no error rate.
    """
    untold = agent.lost + agent.refused
    since = (now - (agent.seen_at or agent.registered_at)).total_seconds()
    verdict, message = Verdict.PASS, f"agent '{agent.id}' was heard of {since:.0f} s ago"
    if agent.ended_at is not None:
        message = f"agent '{agent.id}' was retired"
    elif agent.silent(now):
        when = f"since {agent.seen_at:%Y-%m-%d %H:%M:%S} UTC" if agent.seen_at else "since it was registered"
        verdict, message = (
            Verdict.FAIL,
            f"agent '{agent.id}' is silent {when}; it is to report every {agent.every_s:g} s",
        )
    elif untold:
        verdict = Verdict.WARN
        message = (
            f"agent '{agent.id}' could not tell {untold} decisions: {agent.lost} lost, {agent.refused} refused"
        )
    return Signal(
        MONITOR,
        SignalKind.SERVING,
        agent.id,
        verdict,
        message,
        statistic=since,
        threshold=agent.patience_s,
        unit="s",
        rows=untold,
        defect=DefectKind.OPERATIONS_GAP if verdict is Verdict.FAIL else None,
        details={"lost": agent.lost, "refused": agent.refused, "waiting": agent.waiting},
    )
