"""Charts: small ones as SVG inside the text, large ones as options for ECharts. Data in, pictures out.

Colours are the page's CSS variables, so that one picture serves light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.use_case import Interval
from roadworthy.web.ui.markup import Markup, h
from roadworthy.web.ui.words import level

SERIES = ("var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)", "var(--s6)")
"""Colours of series, in order of appearance."""

HELD = "var(--held)"
"""The hold-out's colour, everywhere."""

FONT = "system-ui, sans-serif"
"""Named, so that the chart can measure its text."""

Row = Mapping[str, Any]
Pair = tuple[float, float]

_WIDTH, _HEIGHT = 220.0, 34.0
_PAD = 8.0


def bullet(
    value: float | None,
    interval: Interval | None = None,
    threshold: float | None = None,
    unit: str = "",
    tone: str = "",
    scale_of: Pair | None = None,
) -> Markup | None:
    """A value with its interval against a threshold, as a small picture; None without a value.

    `scale_of` are ends that pictures below each other share, so that they can be compared.
    """
    if value is None or not math.isfinite(value):
        return None
    finite = [v for v in (value, threshold, *_ends(interval)) if v is not None and math.isfinite(v)]
    low, high = (min(finite), max(finite)) if scale_of is None else scale_of
    room = (high - low) * 0.12 or abs(value) * 0.2 or 1.0
    scale = _scale(low - room, high + room)
    y = _HEIGHT / 2
    parts: list[Markup | None] = [_line(_PAD, y, _WIDTH - _PAD, y, "axis")]
    if interval is not None:
        a, b = (scale(v) for v in _clamped(interval, low - room, high + room))
        parts += [_line(a, y, b, y, f"band {tone}"), _line(a, y - 5, a, y + 5, f"end {tone}")]
        parts.append(_line(b, y - 5, b, y + 5, f"end {tone}"))
    if threshold is not None and math.isfinite(threshold):
        t = scale(threshold)
        parts.append(_line(t, 4, t, _HEIGHT - 4, "limit"))
    parts.append(h("circle", cx=f"{scale(value):.1f}", cy=y, r=4.5, class_=f"dot {tone}"))
    return _picture(parts, _said(value, interval, threshold, unit), "bullet")


def bar(share: float, tone: str = "") -> Markup:
    """A share of 0..1 as a bar."""
    width = max(0.0, min(1.0, share)) * 100
    return h("span", h("span", style=f"width:{width:.1f}%", class_=tone or None), class_="bar", aria_hidden="true")


def calibration(table: Sequence[Row]) -> Markup:
    """Observed rate against mean score per bin, with the diagonal; a dot's area is its number of rows."""
    rows = [r for r in table if r.get("mean_score") is not None and r.get("rate") is not None]
    top = max([0.05, *(float(r["mean_score"]) for r in rows), *(float(r["rate"]) for r in rows)]) * 1.08
    most = max([1, *(int(r.get("n", 1)) for r in rows)])
    size, pad = 240.0, 34.0

    def x(v: float) -> float:
        return pad + v / top * (size - pad - 16)

    def y(v: float) -> float:
        return size - pad - v / top * (size - pad - 16)

    ticks = [top * k / 4 for k in range(5)]
    parts: list[Markup] = []
    for tick in ticks:
        parts += [_line(x(tick), y(0), x(tick), y(top), "grid"), _line(x(0), y(tick), x(top), y(tick), "grid")]
        parts.append(h("text", f"{tick:.2f}", x=x(tick), y=size - pad + 13, class_="tick middle"))
        parts.append(h("text", f"{tick:.2f}", x=pad - 4, y=y(tick) + 3, class_="tick end-at"))
    parts.append(_line(x(0), y(0), x(top), y(top), "limit"))
    for r in rows:
        radius = 3 + 7 * math.sqrt(int(r.get("n", 1)) / most)
        at = (x(float(r["mean_score"])), y(float(r["rate"])))
        parts.append(h("circle", cx=f"{at[0]:.1f}", cy=f"{at[1]:.1f}", r=f"{radius:.1f}", class_="dot soft"))
    parts.append(h("text", "mean score", x=size / 2 + pad / 2, y=size - 4, class_="tick middle"))
    said = "Calibration: " + "; ".join(
        f"score {float(r['mean_score']):.3f}, observed {float(r['rate']):.3f}, {int(r.get('n', 0))} rows"
        for r in rows
    )
    return _picture(parts, said, "calibration", (size, size))


def lines(
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None], str]],
    *,
    bands: Sequence[tuple[str, Sequence[Pair | None], str]] = (),
    marks: Sequence[tuple[str, float]] = (),
    log: bool = False,
    as_percent: bool = False,
) -> dict[str, Any]:
    """Lines over named moments, each with an optional band, and horizontal marks. A missing value is a gap."""
    drawn: list[dict[str, Any]] = []
    for number_, (name, pairs, colour) in enumerate(bands):
        drawn += _band(name, pairs, colour, f"band{number_}")
    for name, values, colour in series:
        drawn.append(_series(name, values, colour))
    if drawn:
        drawn[-1]["markLine"] = _marks(marks, bands)
    options = _axes(labels, log=log, as_percent=as_percent)
    options["grid"]["right"] += max((6 * len(name) for name, _ in marks), default=0)
    reach = [v for _, v in marks] + [end for _, pairs, _ in bands for pair in pairs if pair for end in pair]
    options["yAxis"] |= _range([v for _, values, _ in series for v in values if v is not None] + reach, log)
    return options | {"series": drawn, "legend": _legend([name for name, _, _ in series])}


def stacked(labels: Sequence[str], series: Sequence[tuple[str, Sequence[float], str]]) -> dict[str, Any]:
    """Bars over named moments, one on top of the other."""
    drawn = [
        {
            "name": name,
            "type": "bar",
            "stack": "all",
            "barMaxWidth": 26,
            "itemStyle": {"color": colour},
            "emphasis": {"disabled": True},
            "data": list(values),
        }
        for name, values, colour in series
    ]
    return _axes(labels) | {"series": drawn, "legend": _legend([name for name, _, _ in series])}


def _series(name: str, values: Sequence[float | None], colour: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "data": list(values),
        "symbol": "circle",
        "symbolSize": 6,
        "showAllSymbol": len(values) <= 60,
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
        "emphasis": {"disabled": True},
    }


def _band(name: str, pairs: Sequence[Pair | None], colour: str, stack: str) -> list[dict[str, Any]]:
    common = {
        "type": "line",
        "stack": stack,
        "stackStrategy": "all",
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
        "emphasis": {"disabled": True},
        "tooltip": {"show": False},
    }
    low = [None if p is None else p[0] for p in pairs]
    span = [None if p is None else p[1] - p[0] for p in pairs]
    area = {"color": colour, "opacity": 0.16}
    return [
        common | {"name": f"{name}, lower end", "data": low},
        common | {"name": f"{name}, interval", "data": span, "areaStyle": area},
    ]


def _marks(
    marks: Sequence[tuple[str, float]], bands: Sequence[tuple[str, Sequence[Pair | None], str]]
) -> dict[str, Any]:
    """Dashed lines across, and an upright one per interval: a lone point has no band beside it."""
    across: list[Any] = [{"name": name, "yAxis": value} for name, value in marks]
    upright = [
        _upright(at, pair, colour)
        for _, pairs, colour in bands
        for at, pair in enumerate(pairs)
        if pair is not None
    ]
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": "var(--ink-2)", "type": "dashed", "width": 1.2},
        "label": {"position": "end", "color": "var(--ink-2)", "fontSize": 11, "formatter": "{b}"},
        "data": [*across, *upright],
    }


def _upright(at: int, ends: Pair, colour: str) -> list[dict[str, Any]]:
    style = {"color": colour, "type": "solid", "width": 2, "opacity": 0.55}
    return [{"coord": [at, ends[0]], "lineStyle": style, "label": {"show": False}}, {"coord": [at, ends[1]]}]


def _axes(labels: Sequence[str], *, log: bool = False, as_percent: bool = False) -> dict[str, Any]:
    text = {"color": "var(--ink-2)", "fontSize": 11}
    numbers: dict[str, Any] = {**text, "hideOverlap": True}
    if as_percent:
        numbers[":formatter"] = "v => v === 0 ? '0 %' : (100 * v).toFixed(Math.abs(v) < 0.1 ? 1 : 0) + ' %'"
    elif log:
        numbers[":formatter"] = "v => v >= 1e4 || v < 1e-3 ? v.toExponential(0) : String(v)"
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT},
        "grid": {"left": 8, "right": 14, "top": 34, "bottom": 6, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "var(--card)",
            "borderColor": "var(--line)",
            "textStyle": {"color": "var(--ink)", "fontSize": 12},
            ":valueFormatter": "v => v == null ? 'not measured' : Number(v).toLocaleString('en', "
            "{maximumSignificantDigits: 4})",
        },
        "xAxis": {
            "type": "category",
            "data": list(labels),
            "axisLabel": {**text, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": "var(--line)"}},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "log" if log else "value",
            "axisLabel": numbers,
            "splitLine": {"lineStyle": {"color": "var(--grid)"}},
            "splitNumber": 4,
        },
    }


def _range(values: Sequence[float], log: bool) -> dict[str, Any]:
    """A range that holds every value and mark, on a readable step."""
    known = [v for v in values if math.isfinite(v) and (not log or v > 0)]
    if not known:
        return {}
    if not log:
        return _round_range(min(known), max(known))
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    return {"min": 10.0**low, "max": 10.0 ** max(high, low + 1)}


def _round_range(low: float, high: float) -> dict[str, Any]:
    """Ends on a round step, with a little room."""
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    wide = high - low + 2 * room
    step = 10.0 ** math.floor(math.log10(wide / 4))
    step *= next(k for k in (1, 2, 2.5, 5, 10) if wide / (step * k) <= 6)
    bottom = 0.0 if low >= 0 > low - room else math.floor((low - room) / step) * step
    ends = {"min": bottom, "max": math.ceil((high + room) / step) * step}
    return {name: round(end, 10) for name, end in ends.items()} | {"interval": step}


def _legend(names: Sequence[str]) -> dict[str, Any]:
    return {
        "data": list(names),
        "top": 0,
        "right": 0,
        "icon": "circle",
        "itemGap": 16,
        "itemWidth": 9,
        "itemHeight": 9,
        "type": "scroll",
        "textStyle": {"color": "var(--ink-2)", "fontSize": 11},
        "inactiveColor": "var(--line)",
    }


def _ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.low, interval.high)


def _clamped(interval: Interval, low: float, high: float) -> Pair:
    return max(low, interval.low), min(high, interval.high)


def _scale(low: float, high: float) -> Any:
    span = high - low or 1.0
    return lambda v: round(_PAD + (v - low) / span * (_WIDTH - 2 * _PAD), 1)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return h("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=class_.strip())


def _picture(
    parts: Sequence[Markup | None], said: str, class_: str, size: tuple[float, float] = (_WIDTH, _HEIGHT)
) -> Markup:
    return h(
        "svg",
        h("title", said),
        parts,
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        width=f"{size[0]:g}",
        height=f"{size[1]:g}",
        class_=f"plot {class_}",
        role="img",
        aria_label=said,
    )


def _said(value: float, interval: Interval | None, threshold: float | None, unit: str) -> str:
    said = number(value, unit)
    if interval is not None:
        said += f", {level(interval)} interval {number(interval.low)} to {number(interval.high)}"
    if threshold is not None:
        said += f", threshold {number(threshold)}"
    return said
