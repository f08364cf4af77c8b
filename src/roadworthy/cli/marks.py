"""Verdicts as marks and colours, numbers as text."""

from __future__ import annotations

from rich.text import Text

from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict

MARKS: dict[Verdict, tuple[str, str]] = {
    Verdict.PASS: ("✔", "green"),
    Verdict.WARN: ("▲", "yellow"),
    Verdict.FAIL: ("✘", "red"),
    Verdict.INCONCLUSIVE: ("?", "magenta"),
    Verdict.ERROR: ("!", "bold red"),
}
"""Mark and colour per verdict; the word always stands beside them, so colour is never the only sign."""


def marked(verdict: Verdict | None) -> Text:
    """A verdict as mark and word; None is a gate that still runs."""
    if verdict is None:
        return Text("… running", style="cyan")
    mark, colour = MARKS[verdict]
    return Text(f"{mark} {verdict.value}", style=colour)


def number(value: float | None, unit: str = "") -> str:
    """A number with four significant digits and its unit; a dash when there is none."""
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
    return f"{text} {unit}".strip()


def against(statistic: float | None, interval: Interval | None, threshold: float | None, unit: str = "") -> str:
    """Statistic, interval and threshold, like `0.81 [0.79, 0.83] vs 0.75 AUC`."""
    if statistic is None:
        return ""
    text = number(statistic)
    if interval is not None:
        text += f" {between(interval)}"
    if threshold is not None:
        text += f" vs {number(threshold)}"
    return f"{text} {unit}".strip()


def between(interval: Interval | None) -> str:
    """An interval, like `[0.79, 0.83]`."""
    return f"[{number(interval.low)}, {number(interval.high)}]" if interval is not None else "-"
