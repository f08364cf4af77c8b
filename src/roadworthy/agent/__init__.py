"""Watching a model that is served elsewhere: its decisions are reported, and that it lives, and nothing waits for it.

    from roadworthy.agent import Agent

    with Agent("edge-1", url="https://roadworthy.example", token=SECRET) as agent:
        agent.decided("order-7", unit_id="customer-7", inputs=row, score=0.31, acted=False)

Lives here: `agent.py` (what an application calls), `sidecar.py` (the same from a file of JSON lines, for applications
that can only write one), `buffer.py` and `lines.py` (what waits to be reported: in memory, in a file), `delivery.py`
(what becomes of it), `reporter.py` (one report over HTTP). The standard library and httpx only. Does not: judge; the
control plane does, by what arrives and by what does not.
"""

from roadworthy.agent.agent import Agent

__all__ = ["Agent"]
