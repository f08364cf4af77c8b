"""The change record: who did what, and why; and whether its chain of digests holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.errors import IntegrityError
from roadworthy.domain.trust import Change
from roadworthy.services.watch.verify import changes
from roadworthy.web.ui.layout import Ask, Page, Text, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.words import card, command, count, digest, empty, icon, link, moment, table

SHOWN = 100
"""Newest changes on one page."""

VERIFIED_AT_ONCE = 5_000
"""A record of up to this many links is verified whenever it is opened; a longer one when somebody asks."""


def build(site: Site, ask: Ask) -> Page:
    """The newest changes, or those about one subject (`?subject=`)."""
    house = house_of(site)
    subject = ask.query.get("subject", "").strip()
    length = site.head()[0]
    asked = ask.query.get("verify") == "now" or length <= VERIFIED_AT_ONCE
    found = changes(house, subject or None, SHOWN)
    title = f"{number(length)} changes recorded" + (f", shown: those of {subject}" if subject else "")
    head = h(
        "section",
        h("h1", title, class_="sentence"),
        _chain(site, length, asked=asked),
        _filter(subject),
        class_="headline",
    )
    return Page("Changes", (Text("head", head), Text("changes", _listed(found, subject))))


def _chain(site: Site, length: int, *, asked: bool) -> Markup:
    known = site.verify() if asked else site.verified()
    if known is None:
        button = h("a", "Verify the record", href="/changes?verify=now", role="button", class_="button")
        return h(
            "p",
            h("span", icon("none"), f"{count(length, 'link')} not verified yet", class_="badge none"),
            " ",
            button,
        )
    if isinstance(known, IntegrityError):
        said = h("span", icon("fail"), f"The record does not hold: {known.what}", class_="badge fail", role="alert")
        return h("p", said, h("br"), known.remedy)
    said = h("span", icon("pass"), f"{count(known, 'link')} verified", class_="badge pass", role="status")
    why = " Each link carries the digest of the one before it: nothing was edited, cut or reordered."
    return h("p", said, h("span", why, class_="dim"))


def _filter(subject: str) -> Markup:
    return h(
        "form",
        h(
            "label",
            "About ",
            h("input", name="subject", value=subject, placeholder="a version, endpoint, data set"),
        ),
        h("button", "Show", type="submit"),
        link("Show all", "changes") if subject else None,
        class_="filter",
        method="get",
        action="/changes",
        role="search",
    )


def change_table(found: Sequence[Change]) -> Markup:
    """Changes as a table, newest first."""
    return table("Changes, newest first", ("No.", "When", "Who", "What", "About", "Why", "Facts", "Digest"),
                 [_row(c) for c in found], "changes")  # fmt: skip


def _listed(found: Sequence[Change], subject: str) -> Markup:
    if not found:
        how: tuple[Child, ...] = (
            "Look at ",
            link("all changes", "changes"),
            ", or list them with ",
            command("changes"),
            ".",
        )
        return card("Changes", empty(f"Nothing was recorded about '{subject}'.", *how), name="changes")
    more = h("p", f"The newest {SHOWN}; older ones: ", command("changes --limit 1000"), class_="dim")
    return card("Changes", change_table(found), more if len(found) == SHOWN else None, name="changes")


def _row(change: Change) -> list[Child]:
    return [
        str(change.seq),
        moment(change.at),
        change.actor,
        h("b", change.action.replace("-", " ")),
        link(change.subject, "changes", subject=change.subject),
        h("span", change.why, class_="summary"),
        _facts(change.facts),
        digest(change.digest, 10),
    ]


def _facts(known: dict[str, Any]) -> Child:
    if not known:
        return h("span", "none", class_="dim")
    return h("span", "; ".join(f"{name}: {_short(value)}" for name, value in known.items()), class_="facts-line")


def _short(value: Any) -> str:
    if isinstance(value, str):
        return f"{value[:12]}…" if len(value) == 64 and value.isalnum() else value
    if isinstance(value, float):
        return number(value)
    return json.dumps(value, ensure_ascii=False, default=str)
