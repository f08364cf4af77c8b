"""The page: self-contained, well formed, accessible, and without a way in for markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from small_world import V1, lived

from roadworthy.adapters.reports.html import html_page
from roadworthy.domain.documents.document import (
    Bars,
    Cell,
    Curve,
    CurvePoint,
    Document,
    Facts,
    IntervalRow,
    Intervals,
    Prose,
    Section,
    Table,
)
from roadworthy.services.dossier.issue import issue_dossier

VOID_LIKE = {"meta"}
EVIL = '<script>alert("x")</script>&amp;\x00'


def document(text: str) -> Document:
    blocks = (
        Prose(text),
        Facts(((text, Cell(text, verdict="pass")),)),
        Table(text, (text,), ((Cell(text, code=True),),)),
        Intervals(text, (IntervalRow(text, 1.0, 0.0, 2.0, 1.5, "fail", text),)),
        Curve(text, text, text, (CurvePoint(0.5, 0.5, 10),)),
        Bars(text, text, ((text, 1.0),)),
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Document(
        text, text, at, Facts(()), (Prose(text),), (Section("one", text, blocks, (Section("two", text),)),)
    )


class Reader(HTMLParser):
    """Notes every element, and refuses ones that are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID_LIKE:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag]


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def real() -> bytes:
    world = lived()
    return issue_dossier(world.house, world.who("ada"), V1, ["html"]).files["dossier.html"]


def test_text_of_every_block_is_escaped() -> None:
    page = html_page(document(EVIL))
    reader = read(page)
    assert reader.of("script") == []
    assert page.count(b"&lt;script&gt;") >= 15
    assert b"\x00" not in page


def test_nothing_is_loaded_from_anywhere_and_nothing_runs(real: bytes) -> None:
    reader = read(real)
    links = [a["href"] or "" for a in reader.of("a")]
    assert all(link.startswith("#") for link in links)
    assert {t for t, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    assert not re.search(rb"@import|url\(|javascript:", real)
    policy = next(a["content"] for a in reader.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_every_link_leads_to_a_place_of_the_page_and_no_place_is_named_twice(real: bytes) -> None:
    reader = read(real)
    places = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(set(places)) == len(places)
    assert {a["href"] for a in reader.of("a")} - {f"#{p}" for p in places} == set()


def test_headings_descend_step_by_step_tables_have_headers_and_plots_are_described(real: bytes) -> None:
    reader = read(real)
    levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert len(reader.of("caption")) == len(reader.of("table")) == len(reader.of("thead"))
    assert {a.get("scope") for a in reader.of("th")} == {"col", "row"}
    assert len(reader.of("svg")) == len(reader.of("desc")) == len(reader.of("figcaption")) > 10
    assert all(a["role"] == "img" and a["aria-label"] for a in reader.of("svg"))
    assert reader.of("html") == [{"lang": "en"}]


def test_it_is_made_for_paper_phone_and_the_dark(real: bytes) -> None:
    for what in (b"@media print", b"max-width: 60rem", b"prefers-color-scheme: dark", b'name="viewport"'):
        assert what in real
