"""Bars, sparklines and interval whiskers drawn with characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from roadworthy.domain.use_case import Interval

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
COLOURS = ("green", "cyan", "magenta", "yellow", "blue")
"""Colours of the parts of a bar, in order."""


def bar(share: float, width: int = 20) -> str:
    """A share of 0..1 as a bar of `width` characters, in steps of an eighth.

    Example:
        >>> bar(0.5, 4)
        '██  '
    """
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def sparkline(values: Sequence[float]) -> str:
    """A series as one character per value, lowest to highest; what is no finite number is a dot.

    Example:
        >>> sparkline([1, 2, float("nan"), 4])
        '▁▃·█'
    """
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "·" * len(values)
    low, span = min(finite), max(finite) - min(finite)
    return "".join(
        _LEVELS[int((v - low) / span * 7.999) if span else 3] if math.isfinite(v) else "·" for v in values
    )


def split_bar(shares: Sequence[tuple[str, float]], width: int = 30) -> Text:
    """Named shares of 0..1 side by side in one bar, each in its own colour; a share above 0 is never invisible."""
    text = Text()
    for place, (_, share) in enumerate(shares):
        cells = max(round(share * width), 1 if share > 0 else 0)
        text.append("█" * cells, style=COLOURS[place % len(COLOURS)])
    return text


def whisker(interval: Interval, middle: float, low: float, high: float, width: int = 25) -> str:
    """An interval on the axis from `low` to `high`: `├──●──┤`, with `│` at zero where the axis holds it."""
    span = (high - low) or 1.0

    def cell(value: float) -> int:
        return min(width - 1, max(0, round((value - low) / span * (width - 1))))

    cells = [" "] * width
    if low <= 0 <= high:
        cells[cell(0.0)] = "│"
    for place in range(cell(interval.low), cell(interval.high) + 1):
        cells[place] = "─"
    cells[cell(interval.low)], cells[cell(interval.high)] = "├", "┤"
    cells[cell(middle)] = "●"
    return "".join(cells)
