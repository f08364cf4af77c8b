"""The frame around every page, and the blocks a page is made of.

A page is a pure function: house and question in, blocks out. This file puts blocks on the screen, and puts new ones
there when the change record has a new head; what did not change is not touched, so nothing flickers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from nicegui import app as nicegui_app
from nicegui import ui

from roadworthy import __version__
from roadworthy.domain.errors import NotFoundError, RoadworthyError
from roadworthy.services.house import House
from roadworthy.web.api.entry.edge import status_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site, Visit, Visitor, visit_of
from roadworthy.web.ui.words import sprite

REFRESH_S = 3.0
"""How often a page asks whether the change record has a new head."""

NAVIGATION = (("Board", "/"), ("Work", "/work"), ("Value", "/value"), ("Data", "/data"), ("Changes", "/changes"))

_CSS = Path(__file__).parent / "roadworthy.css"
_CSS_URL = f"/_roadworthy/{sha256(_CSS.read_bytes()).hexdigest()[:12]}.css"
nicegui_app.add_static_file(local_file=_CSS, url_path=_CSS_URL)

_HEAD = f"""<link rel="stylesheet" href="{_CSS_URL}">
<script>
(function () {{
  var root = document.documentElement;
  try {{ var kept = localStorage.getItem("roadworthy-theme"); if (kept) root.dataset.theme = kept; }} catch (e) {{}}
  window.otherTheme = function () {{
    var dark = root.dataset.theme ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {{ localStorage.setItem("roadworthy-theme", root.dataset.theme); }} catch (e) {{}}
  }};
}})();
</script>"""


@dataclass(frozen=True, slots=True)
class Text:
    """A block of markup. `span` is its width on wide screens: full, half or third."""

    name: str
    html: Markup
    span: str = "full"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in a card. `says` is what it shows, in words: read out instead of the picture, and shown below it."""

    name: str
    title: str
    says: str
    options: dict[str, Any]
    height_px: int = 280
    span: str = "half"


Block = Text | Chart


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for: parts of the address, its query, and by whom."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    visitor: Visitor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page's title and blocks. A `live` one shows something that moves between two entries of the record."""

    title: str
    blocks: tuple[Block, ...]
    live: bool = False


Build = Callable[[Site, Ask], Page]


def house_of(site: Site) -> House:
    """The house; that it may be read by this visitor was asked before the page is built."""
    return site.house


async def show(request: Request, build: Build, here: str) -> None:
    """Put a page on the screen and keep it up to date while somebody looks at it."""
    visit = visit_of(request)
    ask = Ask(dict(request.path_params), dict(request.query_params), visit.visitor)
    page, head, visit.status = await asyncio.to_thread(_read, visit, build, ask)
    ui.page_title(f"{page.title} · Roadworthy")
    ui.add_head_html(_HEAD)
    ui.html(Markup(sprite() + _header(here)), sanitize=False)
    screen = _Screen()
    screen.put(page.blocks)
    ui.html(_footer(visit.visitor), sanitize=False)
    seen = _Seen(head, page.live)

    async def refresh() -> None:
        if visit.site.closed:
            return
        if not seen.live and await asyncio.to_thread(_head, visit) == seen.head:
            return
        newer, seen.head, _ = await asyncio.to_thread(_read, visit, build, ask)
        seen.live = newer.live
        screen.put(newer.blocks)

    ui.timer(REFRESH_S, refresh, immediate=False)


def _head(visit: Visit) -> tuple[int, str]:
    """The change record's head; of a closed house or an ended session, what no page has seen."""
    try:
        with visit.site.reading():
            visit.allow_reading()
            return visit.site.head()
    except RoadworthyError as problem:
        return (-1, problem.code)


def _read(visit: Visit, build: Build, ask: Ask) -> tuple[Page, tuple[int, str], int]:
    """The page, the change record's head before it was read, and the HTTP status."""
    try:
        with visit.site.reading():
            visit.allow_reading()
            head = visit.site.head()
            return build(visit.site, ask), head, 200
    except RoadworthyError as problem:
        said = h(
            "div",
            h("h1", "This cannot be shown"),
            h("p", f"{problem.what[:1].upper()}{problem.what[1:]}."),
            h("p", problem.remedy),
            h("p", h("a", "Back to the board", href="/")),
            class_="card problem",
            role="alert",
        )
        return Page("Cannot be shown", (Text("problem", said),)), (-1, problem.code), status_of(problem)


@dataclass
class _Seen:
    """What a browser has been shown: the record's head, and whether the page moves by itself."""

    head: tuple[int, str]
    live: bool


class _Screen:
    """The blocks on the screen, by name."""

    def __init__(self) -> None:
        self._main = ui.element("main").props('id="content"').classes("parts")
        self._shown: dict[str, tuple[Block, Any]] = {}

    def put(self, blocks: tuple[Block, ...]) -> None:
        """Show these blocks; those that are as they were stay as they are."""
        if [b.name for b in blocks] != list(self._shown) or any(
            type(b) is not type(self._shown[b.name][0]) for b in blocks
        ):
            self._main.clear()
            with self._main:
                self._shown = {b.name: (b, _draw(b)) for b in blocks}
            return
        for block in blocks:
            before, element = self._shown[block.name]
            if before != block:
                _redraw(block, element)
                self._shown[block.name] = (block, element)


def _draw(block: Block) -> Any:
    if isinstance(block, Text):
        return ui.html(block.html, sanitize=False).classes(f"part {block.span}")
    with ui.element("section").classes(f"part card {block.span}").props(f'aria-labelledby="{block.name}-title"'):
        ui.html(h("h2", block.title, id=f"{block.name}-title"), sanitize=False)
        with ui.element("div") as named:
            named.props["role"], named.props["aria-label"] = "img", block.says
            chart = ui.echart(block.options, renderer="svg").props("aria-hidden=true")
            chart.style(f"height: {block.height_px}px; width: 100%")
        note = ui.html(h("p", block.says, class_="note", aria_hidden="true"), sanitize=False)
    return named, chart, note


def _redraw(block: Block, element: Any) -> None:
    if isinstance(block, Text):
        element.content = block.html
        return
    named, chart, note = element
    named.props["aria-label"] = block.says
    named.update()
    chart.options.clear()
    chart.options.update(block.options)
    chart.update()
    note.content = h("p", block.says, class_="note", aria_hidden="true")


def _header(here: str) -> Markup:
    pages = [
        h("a", name, href=target, aria_current="page" if target == here else None) for name, target in NAVIGATION
    ]
    mark = Markup(
        '<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect width="32" height="32" rx="7"'
        ' class="mark"/><path d="M8 17l5 5 11-12" fill="none" stroke="#fff" stroke-width="3.6"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
    sun = Markup(
        '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><circle cx="12" cy="12" r="9"'
        ' fill="none" stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z"'
        ' fill="currentColor"/></svg>'
    )
    return h(
        "header",
        h("a", "Skip to the content", href="#content", class_="skip"),
        h("a", mark, h("span", "Roadworthy"), href="/", class_="brand"),
        h("nav", pages, aria_label="Pages"),
        h(
            "button",
            sun,
            type="button",
            class_="theme",
            aria_label="Switch between light and dark",
            onclick="otherTheme()",
        ),
        class_="top",
    )


def _footer(visitor: Visitor) -> Markup:
    return h(
        "footer",
        h(
            "p",
            f"Roadworthy {__version__}. Whatever is done here, with the ",
            h("code", "roadworthy"),
            " command or by the ",
            h("a", "API", href="/api/openapi.json"),
            " is recorded under a name.",
        ),
        h(
            "div",
            h("span", f"You are {visitor.asker.person.id}, {visitor.asker.means.via}. "),
            form("/logout", visitor, h("button", "Log out", type="submit")),
            form("/logout-everywhere", visitor, h("button", "Log out everywhere", type="submit")),
            class_="filter",
        ),
    )


def form(action: str, visitor: Visitor, *fields: Child) -> Markup:
    """A form of this session."""
    own = h("input", type="hidden", name="form", value=visitor.form)
    return h("form", own, fields, action=action, method="post", class_="filter")


def actor_field(visitor: Visitor, people: Sequence[str]) -> Markup | None:
    """As whom to act: a choice for whoever may act for others, nothing for everybody else."""
    if not visitor.keeper.acts_for_others(visitor.asker):
        return None
    return h("label", "As ", h("select", [h("option", name, value=name) for name in people], name="actor"))


def nothing(_: Site, ask: Ask) -> Page:
    """Any address that leads nowhere.

    Raises:
        NotFoundError: always.
    """
    raise NotFoundError(f"there is no page '/{ask.path.get('rest', '')}'", remedy="Start from the board.")
