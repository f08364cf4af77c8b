"""A document as one HTML page: no script, nothing loaded from anywhere, readable on paper, phone and in the dark.

The page is built as a tree and written by the standard library, which escapes every text; no markup is ever pasted
together, so nothing that a model or a person is called can become markup.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from roadworthy.adapters.reports.drawing import draw, plain
from roadworthy.domain.documents.document import (
    Bars,
    Block,
    Cell,
    Curve,
    Document,
    Facts,
    Intervals,
    Prose,
    Section,
    Table,
    Tone,
)

MARKS = {"pass": "✓", "warn": "▲", "fail": "✕", "inconclusive": "◆", "error": "■"}
"""One shape per verdict: told apart without colour. The word stands beside it."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing."""

ROLES = {Tone.PLAIN: "", Tone.GOOD: "note", Tone.BAD: "alert", Tone.OPEN: "note"}


def html_page(document: Document) -> bytes:
    """The page, UTF-8."""
    root = ET.Element("html", {"lang": "en"})
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", {"charset": "utf-8"})
    ET.SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": POLICY})
    ET.SubElement(head, "title").text = plain(document.title)
    ET.SubElement(head, "style").text = _style()
    body = ET.SubElement(root, "body")
    ET.SubElement(body, "a", {"class": "skip", "href": "#content"}).text = "Skip to the content"
    _contents(body, document)
    main = ET.SubElement(body, "main", {"id": "content"})
    header = ET.SubElement(main, "header")
    ET.SubElement(header, "h1").text = plain(document.title)
    ET.SubElement(header, "p", {"class": "lead"}).text = plain(document.subtitle)
    for said in document.standing:
        _prose(header, said, "standing")
    _facts(header, document.about)
    for section in document.sections:
        _section(main, section, 2)
    return b"<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html").encode()


@cache
def _style() -> str:
    """The style sheet; it is text in the page, so it must not hold what would end it."""
    text = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return text.replace("</", "")


def _contents(body: ET.Element, document: Document) -> None:
    nav = ET.SubElement(body, "nav", {"aria-label": "Contents"})
    ET.SubElement(nav, "p", {"class": "brand"}).text = plain(document.title)
    top = ET.SubElement(nav, "ol")
    for section in document.sections:
        item = ET.SubElement(top, "li")
        ET.SubElement(item, "a", {"href": f"#{section.id}"}).text = plain(section.title)
        if section.parts:
            inner = ET.SubElement(item, "ol")
            for part in section.parts:
                ET.SubElement(ET.SubElement(inner, "li"), "a", {"href": f"#{part.id}"}).text = plain(part.title)


def _section(parent: ET.Element, section: Section, depth: int) -> None:
    title = f"{section.id}-title"
    made = ET.SubElement(parent, "section", {"id": section.id, "aria-labelledby": title})
    ET.SubElement(made, f"h{min(depth, 6)}", {"id": title}).text = plain(section.title)
    for block in section.blocks:
        _block(made, block)
    for part in section.parts:
        _section(made, part, depth + 1)


def _block(parent: ET.Element, block: Block) -> None:
    if isinstance(block, Prose):
        _prose(parent, block)
    elif isinstance(block, Facts):
        _facts(parent, block)
    elif isinstance(block, Table):
        _table(parent, block)
    else:
        _figure(parent, block)


def _prose(parent: ET.Element, said: Prose, more: str = "") -> None:
    attributes = {"class": f"{said.tone.value} {more}".strip()}
    if ROLES[said.tone]:
        attributes["role"] = ROLES[said.tone]
    ET.SubElement(parent, "p", attributes).text = plain(said.text)


def _facts(parent: ET.Element, facts: Facts) -> None:
    made = ET.SubElement(parent, "dl")
    for name, cell in facts.rows:
        pair = ET.SubElement(made, "div")
        ET.SubElement(pair, "dt").text = plain(name)
        _cell(ET.SubElement(pair, "dd"), cell)


def _table(parent: ET.Element, table: Table) -> None:
    around = {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": plain(table.caption)}
    made = ET.SubElement(ET.SubElement(parent, "div", around), "table")
    ET.SubElement(made, "caption").text = plain(table.caption)
    head = ET.SubElement(ET.SubElement(made, "thead"), "tr")
    for place, name in enumerate(table.columns):
        numbers = {"class": "number"} if table.rows and table.rows[0][place].number else {}
        ET.SubElement(head, "th", {"scope": "col", **numbers}).text = plain(name)
    body = ET.SubElement(made, "tbody")
    for row in table.rows:
        line = ET.SubElement(body, "tr")
        for place, cell in enumerate(row):
            kind = {"class": "number"} if cell.number else {}
            placed = ET.SubElement(line, "td" if place else "th", kind if place else {"scope": "row", **kind})
            _cell(placed, cell)


def _cell(parent: ET.Element, cell: Cell) -> None:
    inside = parent
    if cell.to:
        inside = ET.SubElement(parent, "a", {"href": f"#{cell.to}"})
    if cell.code:
        inside = ET.SubElement(inside, "code")
    if cell.anchor:
        inside.set("id", f"e-{cell.anchor}")
    if cell.verdict in MARKS:
        inside = ET.SubElement(inside, "span", {"class": f"verdict {cell.verdict}"})
        mark = ET.SubElement(inside, "span", {"aria-hidden": "true"})
        mark.text = MARKS[cell.verdict]
        mark.tail = f" {plain(cell.text)}"
    else:
        inside.text = plain(cell.text)
    if cell.evidence:
        about = {"href": f"#e-{cell.evidence}", "class": "evidence", "title": f"evidence {cell.evidence}"}
        ET.SubElement(parent, "a", about).text = cell.evidence[:8]


def _figure(parent: ET.Element, plot: Intervals | Curve | Bars) -> None:
    figure = ET.SubElement(parent, "figure")
    ET.SubElement(figure, "figcaption").text = plain(plot.title)
    figure.append(draw(plot))
