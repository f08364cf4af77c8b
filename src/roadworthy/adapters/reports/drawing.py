"""Plots as SVG: one drawing for the page and the paper. Shapes carry classes; who shows them gives the colours."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from roadworthy.domain.documents.document import Bars, Curve, IntervalRow, Intervals
from roadworthy.domain.documents.numbers import number

Plot = Intervals | Curve | Bars

TONES = {"pass": "good", "warn": "soso", "fail": "bad"}
"""Class of a verdict's marks; any other verdict stays neutral."""

_WIDTH, _ROW, _LABEL, _VALUE, _TOP = 680.0, 24.0, 218.0, 118.0, 6.0
_LEFT, _RIGHT = _LABEL + 12.0, _WIDTH - _VALUE - 14.0
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def plain(text: str) -> str:
    """Text without the characters that XML has no place for."""
    return _CONTROL.sub("\ufffd", text)


def draw(plot: Plot) -> ET.Element:
    """A plot as an `svg` element, its title and description inside."""
    if isinstance(plot, Intervals):
        return _intervals(plot)
    return _curve(plot) if isinstance(plot, Curve) else _bars(plot)


def description(plot: Plot) -> str:
    """What a plot shows, in words, for who cannot see it."""
    if isinstance(plot, Intervals):
        return "; ".join(_said(row) for row in plot.rows)
    if isinstance(plot, Curve):
        return "; ".join(f"{plot.across} {p.x:.3f}: {plot.up} {p.y:.3f}, {p.rows} rows" for p in plot.points)
    return "; ".join(f"{plain(name)}: {number(value)} {plot.unit}".strip() for name, value in plot.rows)


def _said(row: IntervalRow) -> str:
    said = f"{plain(row.label)}: {number(row.value)} {plain(row.unit)}".strip()
    if row.low is not None and row.high is not None:
        said += f", interval {number(row.low)} to {number(row.high)}"
    if row.limit is not None:
        said += f", limit {number(row.limit)}"
    return f"{said}, {row.verdict}" if row.verdict else said


def _intervals(plot: Intervals) -> ET.Element:
    axis = 20.0 if plot.shared else 0.0
    svg = _svg(plot.title, description(plot), _WIDTH, 2 * _TOP + _ROW * max(1, len(plot.rows)) + axis)
    shared = _range([v for row in plot.rows for v in _numbers(row)])
    for place, row in enumerate(plot.rows):
        _interval_row(svg, row, _TOP + _ROW * (place + 0.5), shared if plot.shared else _range(_numbers(row)))
    if plot.shared:
        y = _TOP + _ROW * len(plot.rows)
        _line(svg, _LEFT, y, _RIGHT, y, "axis")
        for k in range(5):
            value = shared[0] + (shared[1] - shared[0]) * k / 4
            _text(svg, number(value), _at(value, shared), y + 14, "tick middle")
    return svg


def _interval_row(svg: ET.Element, row: IntervalRow, y: float, ends: tuple[float, float]) -> None:
    tone = TONES.get(row.verdict, "neutral")
    _text(svg, _cut(row.label, 34), _LABEL, y + 4, "label right")
    _line(svg, _LEFT, y, _RIGHT, y, "rule")
    if row.limit is not None and math.isfinite(row.limit):
        x = _at(row.limit, ends)
        _line(svg, x, y - 9, x, y + 9, "limit")
    if row.low is not None and row.high is not None:
        a, b = _at(max(row.low, ends[0]), ends), _at(min(row.high, ends[1]), ends)
        _line(svg, a, y, b, y, f"band {tone}")
        _line(svg, a, y - 4, a, y + 4, f"end {tone}")
        _line(svg, b, y - 4, b, y + 4, f"end {tone}")
    ET.SubElement(
        svg, "circle", {"cx": f"{_at(row.value, ends):.1f}", "cy": f"{y:.1f}", "r": "4.2", "class": f"dot {tone}"}
    )
    _text(svg, _cut(f"{number(row.value)} {row.unit}".strip(), 19), _RIGHT + 14, y + 4, "value")


def _curve(plot: Curve) -> ET.Element:
    size, pad = 330.0, 44.0
    svg = _svg(plot.title, description(plot), size, size)
    top = max([0.05, *(p.x for p in plot.points), *(p.y for p in plot.points)]) * 1.06
    most = max([1, *(p.rows for p in plot.points)])
    span = size - pad - 14

    def x(v: float) -> float:
        return pad + v / top * span

    def y(v: float) -> float:
        return size - pad - v / top * span

    for k in range(5):
        tick = top * k / 4
        _line(svg, x(tick), y(0), x(tick), y(top), "rule")
        _line(svg, x(0), y(tick), x(top), y(tick), "rule")
        _text(svg, f"{tick:.2f}", x(tick), size - pad + 14, "tick middle")
        _text(svg, f"{tick:.2f}", pad - 5, y(tick) + 4, "tick right")
    _line(svg, x(0), y(0), x(top), y(top), "limit")
    path = " ".join(f"{x(p.x):.1f},{y(p.y):.1f}" for p in plot.points)
    ET.SubElement(svg, "polyline", {"points": path, "class": "curve"})
    for p in plot.points:
        r = 3 + 6 * math.sqrt(p.rows / most)
        ET.SubElement(
            svg, "circle", {"cx": f"{x(p.x):.1f}", "cy": f"{y(p.y):.1f}", "r": f"{r:.1f}", "class": "dot soft"}
        )
    _text(svg, plot.across, pad + span / 2, size - 8, "tick middle")
    turned = _text(svg, plot.up, 12, size / 2 - 10, "tick middle")
    turned.set("transform", f"rotate(-90 12 {size / 2 - 10:.1f})")
    return svg


def _bars(plot: Bars) -> ET.Element:
    svg = _svg(plot.title, description(plot), _WIDTH, 2 * _TOP + _ROW * max(1, len(plot.rows)))
    most = max([abs(v) for _, v in plot.rows if math.isfinite(v)] or [1.0]) or 1.0
    for place, (name, value) in enumerate(plot.rows):
        y = _TOP + _ROW * (place + 0.5)
        width = abs(value) / most * (_RIGHT - _LEFT)
        _text(svg, _cut(name, 34), _LABEL, y + 4, "label right")
        box = {"x": f"{_LEFT:.1f}", "y": f"{y - 6:.1f}", "width": f"{width:.1f}", "height": "12", "rx": "2"}
        ET.SubElement(svg, "rect", {**box, "class": "bar"})
        _text(svg, f"{number(value)} {plot.unit}".strip(), _RIGHT + 14, y + 4, "value")
    return svg


def _svg(title: str, said: str, width: float, height: float) -> ET.Element:
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "class": "plot",
            "role": "img",
            "aria-label": plain(title),
        },
    )
    ET.SubElement(svg, "title").text = plain(title)
    ET.SubElement(svg, "desc").text = plain(said)
    return svg


def _numbers(row: IntervalRow) -> list[float]:
    return [v for v in (row.value, row.low, row.high, row.limit) if v is not None and math.isfinite(v)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) * 0.1 or abs(high) * 0.2 or 1.0
    return low - room, high + room


def _at(value: float, ends: tuple[float, float]) -> float:
    held = min(max(value, ends[0]), ends[1]) if math.isfinite(value) else ends[0]
    return _LEFT + (held - ends[0]) / (ends[1] - ends[0]) * (_RIGHT - _LEFT)


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ET.SubElement(svg, "line", {**ends, "class": kind})


def _text(svg: ET.Element, text: str, x: float, y: float, kind: str) -> ET.Element:
    placed = ET.SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": kind})
    placed.text = plain(text)
    return placed


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
