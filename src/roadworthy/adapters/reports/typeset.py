"""A document as PDF/A, set by typst: the same document gives the same bytes.

The document goes in as data. The template only ever shows its strings; nothing of them is read as typst, and the
compiler's root is an empty folder, so that a text like `#read("/etc/passwd")` is nothing but a text.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET

from roadworthy.adapters.reports.drawing import description, draw, plain
from roadworthy.adapters.reports.html import MARKS
from roadworthy.domain.documents.document import Block, Cell, Document, Facts, Prose, Section, Table
from roadworthy.domain.errors import MissingExtraError

STANDARD: Literal["a-2b"] = "a-2b"
"""PDF/A-2b: an archive's PDF, with its fonts inside."""

STYLE = """
text { font-family: 'DejaVu Sans Mono'; font-size: 10px; fill: #1c2430 } .tick { font-size: 9px; fill: #5a6675 }
.right { text-anchor: end } .middle { text-anchor: middle }
.rule { stroke: #e3e7ec } .axis { stroke: #c5ccd4 }
.limit { stroke: #1c2430; stroke-width: 1.6; stroke-dasharray: 4 3 }
.band { stroke-width: 6; stroke-opacity: .38 } .end { stroke-width: 1.6 }
.bar { fill: #0b5d6b; fill-opacity: .75 } .soft { fill: #0b5d6b; fill-opacity: .7 }
.curve { fill: none; stroke: #0b5d6b; stroke-width: 1.4; stroke-opacity: .6 }
line.good { stroke: #1b7f4b } circle.good { fill: #1b7f4b } line.soso { stroke: #a86400 } circle.soso { fill: #a86400 }
line.bad { stroke: #b3261e } circle.bad { fill: #b3261e } line.neutral { stroke: #0b5d6b }
circle.neutral { fill: #0b5d6b }
"""
"""The plots' colours on paper."""

_LONG = re.compile(r"\S{25,}")


def typeset(document: Document) -> bytes:
    """The PDF.

    Raises:
        MissingExtraError: typst is not installed.
    """
    try:
        import typst  # noqa: PLC0415 - an optional library
    except ImportError as error:
        raise MissingExtraError(
            "typst, which sets the PDF, is not installed",
            remedy="Run `pip install 'roadworthy[report]'`, or leave `pdf` out of the formats.",
            extra="report",
        ) from error
    template = (Path(__file__).parent / "dossier.typ").read_bytes()
    to_the_second = document.issued_at.replace(microsecond=0)
    with tempfile.TemporaryDirectory() as empty:
        compiler = typst.Compiler(
            template, root=empty, ignore_system_fonts=True, sys_inputs={"document": json.dumps(as_data(document))}
        )
        made = compiler.compile(format="pdf", pdf_standards=[STANDARD], timestamp=to_the_second)
    assert isinstance(made, bytes)  # noqa: S101 - one file, not pages
    return made


def as_data(document: Document) -> dict[str, Any]:
    """The document as what the template reads: strings, lists and kinds."""
    anchors = {c.anchor for s in document.sections for c in _cells(s) if c.anchor}
    places = {p for s in document.sections for p in _places(s)}

    def cell(of: Cell) -> dict[str, str]:
        mark = MARKS.get(of.verdict, "")
        shown = {
            "text": _breakable(plain(of.text)),
            "mark": mark,
            "verdict": of.verdict if mark else "",
            "evidence": of.evidence if of.evidence in anchors else "",
            "to": of.to if of.to in places else "",
            "anchor": of.anchor,
            "code": "yes" if of.code else "",
            "number": "yes" if of.number else "",
        }
        return {k: v for k, v in shown.items() if v or k == "text"}

    def block(of: Block) -> dict[str, Any]:
        if isinstance(of, Prose):
            return {"kind": "prose", "tone": of.tone.value, "text": _breakable(plain(of.text))}
        if isinstance(of, Facts):
            return {"kind": "facts", "rows": [[plain(name), cell(value)] for name, value in of.rows]}
        if isinstance(of, Table):
            rows = [[cell(c) for c in row] for row in of.rows]
            return {"kind": "table", "caption": plain(of.caption), "columns": list(of.columns), "rows": rows}
        return {"kind": "plot", "title": plain(of.title), "said": description(of), "svg": _picture(draw(of))}

    def section(of: Section) -> dict[str, Any]:
        return {
            "id": of.id,
            "title": plain(of.title),
            "blocks": [block(b) for b in of.blocks],
            "parts": [section(p) for p in of.parts],
        }

    return {
        "title": plain(document.title),
        "subtitle": plain(document.subtitle),
        "issued": f"{document.issued_at:%Y-%m-%d %H:%M:%S} UTC",
        "about": block(document.about),
        "standing": [block(s) for s in document.standing],
        "sections": [section(s) for s in document.sections],
    }


def _cells(section: Section) -> list[Cell]:
    mine = [c for b in section.blocks if isinstance(b, Table) for row in b.rows for c in row]
    return mine + [c for p in section.parts for c in _cells(p)]


def _places(section: Section) -> list[str]:
    return [section.id, *(place for p in section.parts for place in _places(p))]


def _breakable(text: str) -> str:
    """Long words (digests, ids) with places where a line may end."""
    return _LONG.sub(lambda m: "\u200b".join(m[0][i : i + 8] for i in range(0, len(m[0]), 8)), text)


def _picture(svg: ET.Element) -> str:
    """The drawing as an SVG file of its own, its colours inside."""
    style = ET.Element("style")
    style.text = STYLE
    svg.insert(0, style)
    return ET.tostring(svg, encoding="unicode")
