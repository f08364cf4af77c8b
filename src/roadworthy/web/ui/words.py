"""The pages' vocabulary: verdicts as icon and word, states, numbers, money, times, digests, commands, links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from roadworthy.domain.documents.numbers import MINUS, number
from roadworthy.domain.lifecycle import State
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.services.licence.expiry import Standing
from roadworthy.web.ui.markup import Child, Markup, h

SHAPES: dict[str, str] = {
    "pass": '<circle cx="12" cy="12" r="10"/><path d="M7.5 12.5l3 3 6-6.5"/>',
    "warn": '<path d="M12 2.5 22.5 21h-21z"/><path d="M12 9.5v5M12 17.6v.2"/>',
    "fail": '<path d="M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z"/><path d="M8.5 8.5l7 7m0-7l-7 7"/>',
    "inconclusive": '<path d="M12 1.5 22.5 12 12 22.5 1.5 12z"/>'
    '<path d="M9.6 9.6a2.4 2.4 0 1 1 3.4 2.2c-.7.4-1 .8-1 1.7M12 16.4v.2"/>',
    "error": '<rect x="2.5" y="2.5" width="19" height="19" rx="3"/><path d="M13 6l-4 6.5h6L11 18"/>',
    "none": '<circle cx="12" cy="12" r="9.5" stroke-dasharray="3 3.2"/><path d="M8.5 12h7"/>',
    "running": '<circle cx="12" cy="12" r="9.5" stroke-dasharray="44 16"/><path d="M12 7v5l3 2"/>',
}
"""One shape per verdict, on a 24 by 24 grid: told apart without colour."""


def icon(verdict: str, size: int = 18) -> Markup:
    """A verdict's shape; the word stands beside it, so it says nothing to a screen reader."""
    return h(
        "svg",
        h("use", href=f"#v-{verdict}"),
        class_=f"icon {verdict}",
        width=size,
        height=size,
        aria_hidden="true",
    )


def sprite() -> Markup:
    """All shapes once per page; `icon` refers to them."""
    symbols = [h("symbol", Markup(body), id=f"v-{name}", viewBox="0 0 24 24") for name, body in SHAPES.items()]
    return h("svg", symbols, class_="sprite", aria_hidden="true", width=0, height=0)


def badge(verdict: Verdict | str | None, prefix: str = "") -> Markup:
    """A verdict as icon and word; None is a gate that still runs."""
    word = verdict.value if isinstance(verdict, Verdict) else verdict or "running"
    return h("span", icon(word), h("span", f"{prefix}{word}"), class_=f"badge {word}")


def state(of: State) -> Markup:
    """A version's state."""
    return h("span", of.value.replace("-", " "), class_=f"state {of.value}")


def percent(share: float, digits: int = 0) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f}\u00a0%"


def money(value: float, unit: str) -> str:
    """An amount with its sign, whole units from a hundred on."""
    text = f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+,.2f}"
    return f"{text.replace('-', MINUS)} {unit}".strip()


def level(interval: Interval) -> str:
    """An interval's level, as exactly as it takes."""
    return f"{100 * interval.level:.4g}\u00a0%"


def between(interval: Interval | None, unit: str = "") -> str:
    """An interval with its level."""
    if interval is None:
        return "no interval"
    return f"{level(interval)} interval {number(interval.low)} to {number(interval.high, unit)}"


def count(n: int, one: str, many: str = "") -> str:
    """`1 work item`, `2 work items`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def moment(at: datetime) -> Markup:
    """A time, to the minute, UTC."""
    return h("time", at.strftime("%Y-%m-%d %H:%M"), datetime=at.isoformat(), title=at.isoformat())


def day(at: datetime) -> str:
    """A date."""
    return at.strftime("%Y-%m-%d")


def digest(value: str, digits: int = 12) -> Markup:
    """A digest's beginning, the whole of it on hovering."""
    return h("code", value[:digits], title=value, class_="digest") if value else h("span", "none", class_="dim")


def command(*words: str) -> Markup:
    """A command to type."""
    return h("code", "roadworthy " + " ".join(words), class_="command")


def link(text: Child, *path: str, **query: str) -> Markup:
    """A link to a page of ours; every part of the path is quoted."""
    target = "/" + "/".join(quote(part, safe=":@") for part in path)
    asked = "&".join(f"{name}={quote(value, safe=':@')}" for name, value in query.items())
    return h("a", text, href=f"{target}?{asked}" if asked else target)


def next_page(path: str, query: Mapping[str, str], following: str, name: str = "cursor") -> Markup | None:
    """A link to what follows on a list, other words of the address kept; nothing on the last page."""
    if not following:
        return None
    kept = {key: value for key, value in query.items() if key != name and value}
    return h("p", h("a", "Next page", href=f"{path}?{urlencode({**kept, name: following})}"))


def version_link(name: str) -> Markup:
    """A link to a version's page."""
    return link(name, "versions", name)


def joined(parts: Sequence[Child], between_them: str = ", ") -> Markup:
    """Children with something between them."""
    found: list[Child] = []
    for part in parts:
        found += [between_them, part] if found else [part]
    return h("span", found)


def facts(pairs: Mapping[str, Child] | Sequence[tuple[str, Child]]) -> Markup:
    """Names and values as a definition list."""
    rows = pairs.items() if isinstance(pairs, Mapping) else pairs
    return h("dl", [h("div", h("dt", name), h("dd", value)) for name, value in rows], class_="facts")


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Child]], class_: str = "") -> Markup:
    """A table that scrolls by itself where it is too wide; the first cell of a row is its header."""
    head = h("tr", [h("th", name, scope="col") for name in columns])
    body = [h("tr", h("th", row[0], scope="row"), [h("td", cell) for cell in row[1:]]) for row in rows]
    inner = h("table", h("caption", caption), h("thead", head), h("tbody", body), class_=class_ or None)
    return h("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def more(summary: Child, *body: Child, opened: bool = False) -> Markup:
    """Something to unfold."""
    return h("details", h("summary", summary), h("div", body, class_="unfolded"), open=opened)


def empty(what: str, *next_: Child) -> Markup:
    """An empty state: what is missing, and what to do about it."""
    return h("div", h("p", what), h("p", next_) if next_ else None, class_="empty")


def card(title: Child, *body: Child, name: str = "", aside: Child = None) -> Markup:
    """A titled section."""
    heading = h("div", h("h2", title, id=f"{name}-title" if name else None), aside, class_="card-head")
    return h(
        "section", heading, body, class_="card", id=name or None, aria_labelledby=f"{name}-title" if name else None
    )


def approval_sentence(of: Standing) -> str:
    """How long an approval still holds, or why it does not."""
    if of.ended:
        return f"The approval does not hold: {of.ended}."
    if of.approval is None or of.approval.licence is None:
        return "It is not approved."
    left = [f"{of.days_left:.1f} more days"] if of.days_left is not None else []
    left += [f"{of.decisions_left:,} more decisions"] if of.decisions_left is not None else []
    drift = f" In its newest review {percent(of.drift_share)} of the signals moved." if of.drift_share else ""
    warning = f" {of.warning[:1].upper()}{of.warning[1:]}." if of.warning else ""
    return f"The approval holds {'for ' + ' and '.join(left) if left else 'without a limit'}.{drift}{warning}"
