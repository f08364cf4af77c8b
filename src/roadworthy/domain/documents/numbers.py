"""Numbers as people read them, alike on every page and on paper."""

from __future__ import annotations

import math

MINUS = "\u2212"
"""As wide as the plus sign."""


def number(value: float | None, unit: str = "", *, signed: bool = False) -> str:
    """Three significant digits and the unit; words, never 0, when there is no number.

    Example:
        >>> number(0.12345, "EUR"), number(None), number(3.0, signed=True)
        ('0.123 EUR', 'not measured', '+3')
    """
    if value is None or math.isnan(value):
        return "not measured"
    if math.isinf(value):
        return "unbounded"
    sign = "+" if signed else ""
    whole = float(value).is_integer() or abs(value) >= 100
    text = f"{value:{sign},.0f}" if whole and abs(value) < 1e15 else f"{value:{sign}.3g}"
    return f"{MINUS + text[1:] if text.startswith('-') else text} {unit}".strip()
