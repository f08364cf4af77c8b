"""Access: the tokens one has and manages, a form for one more, and how one is here."""

from __future__ import annotations

from roadworthy.services.access.tokens import KnownToken, tokens
from roadworthy.web.ui.layout import Ask, Page, Text, form, house_of
from roadworthy.web.ui.markup import Child, h
from roadworthy.web.ui.site import Site, Visitor
from roadworthy.web.ui.words import card, empty, moment, table

COLUMNS = ("Token", "Person", "Name", "Covers", "Made", "Expires", "Last used", "State")


def build(site: Site, ask: Ask) -> Page:
    """The page of `/access`."""
    visitor = ask.visitor
    head = h("section", h("h1", "Tokens"), h("p", "Whoever has a token's secret acts as its person.", class_="dim"))
    if visitor is None:
        return Page("Access", (Text("head", head),))
    found = tokens(house_of(site), visitor.asker.person)
    rows = [_row(t, visitor) for t in found]
    listed = table("Tokens", COLUMNS, rows) if rows else empty("There are no tokens.")
    blocks = [Text("head", head), Text("tokens", card("Tokens", listed, name="tokens"))]
    if visitor.may("manage-tokens", {"owner": visitor.asker.person.id}):
        blocks.append(Text("new", card("One more", _new(visitor), name="new")))
    return Page("Access", tuple(blocks))


def _new(visitor: Visitor) -> Child:
    return form(
        "/access/tokens",
        visitor,
        h("label", "What for ", h("input", name="name", required=True, maxlength=80, autocomplete="off")),
        h("label", "Actions it covers ", h("input", name="scopes", placeholder="all I may do", autocomplete="off")),
        h("button", "Make a token", type="submit"),
    )


def _row(token: KnownToken, visitor: Visitor) -> list[Child]:
    ended: Child = moment(token.revoked_at) if token.revoked_at else None
    living = form(f"/access/tokens/{token.id}/revoke", visitor, h("button", "Revoke", type="submit"))
    return [
        h("code", token.id),
        token.person,
        token.name,
        ", ".join(token.scopes) or "all they may do",
        moment(token.created_at),
        moment(token.expires_at),
        moment(token.last_used_at) if token.last_used_at else h("span", "never", class_="dim"),
        h("span", "revoked ", ended) if ended else living,
    ]
