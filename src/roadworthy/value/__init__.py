"""What a model is worth: KPI expressions, value on sealed data, money attributed to it, and the ledger of it.

Lives here: pure functions from decisions, outcomes and a contract to numbers with intervals, or to "not measurable"
with the reason. Does not: rollout decisions (`rollout/`), drift (`monitoring/`), reading logs (`services/`). To add
a measure of value, copy `attribution.py`: one frozen result that can say that nothing can be said, one function.
"""
