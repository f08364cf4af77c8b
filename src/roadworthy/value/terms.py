"""What a new KPI contract changes: each term that differs, as it was and as it is."""

from __future__ import annotations

from roadworthy.domain.use_case import Bound, KpiContract, KpiLimit, TermChange

NONE = "none"
"""How a limit that is not there is written."""


def changed_terms(old: KpiContract, new: KpiContract) -> tuple[TermChange, ...]:
    """The terms of `new` that differ from `old`, in the order of the contract; limits are told by their name.

    Example:
        >>> from datetime import datetime
        >>> one = KpiContract("k1", "c", 1, "EUR", "outcome", 0.5, (), (), 0.1, False, datetime(2026, 1, 1))
        >>> two = KpiContract("k2", "c", 2, "EUR", "outcome", 0.2, (), (), 0.1, False, datetime(2026, 2, 1))
        >>> changed_terms(one, two)
        (TermChange(term='target', old='0.5', new='0.2'),)
    """
    before, after = _terms(old), _terms(new)
    names = list(dict.fromkeys((*before, *after)))
    return tuple(
        TermChange(name, before.get(name, NONE), after.get(name, NONE))
        for name in names
        if before.get(name, NONE) != after.get(name, NONE)
    )


def _terms(contract: KpiContract) -> dict[str, str]:
    delay = contract.label_delay_days
    plain = {
        "unit": contract.unit,
        "value": contract.value,
        "target": _number(contract.target),
        "holdout_share": _number(contract.holdout_share),
        "holdout_acts": "yes" if contract.holdout_acts else "no",
        "label_delay_days": NONE if delay is None else _number(delay),
    }
    limits = {f"guardrail: {x.name}": _limit(x) for x in contract.guardrails}
    return plain | limits | {f"unintended: {x.name}": _limit(x) for x in contract.unintended}


def _limit(limit: KpiLimit) -> str:
    sign = ">=" if limit.bound is Bound.AT_LEAST else "<="
    return f"{limit.expression} {sign} {_number(limit.limit)} {limit.unit}".strip()


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
