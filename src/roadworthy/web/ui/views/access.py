"""Access: the tokens one has and manages, a form for one more, how one is here, and everybody's signing keys."""

from __future__ import annotations

from roadworthy.services.access.keys import KnownKey, keys
from roadworthy.services.access.tokens import KnownToken, tokens
from roadworthy.web.ui.layout import Ask, Page, Text, form, house_of
from roadworthy.web.ui.markup import Child, h
from roadworthy.web.ui.site import Site, Visitor
from roadworthy.web.ui.words import card, empty, moment, table

KEYS = ("Person", "Key", "Counts from", "Until", "State")
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
    signing = table("Signing keys", KEYS, [_key_row(k) for k in keys(house_of(site))])
    blocks.append(Text("keys", card("Signing keys", signing, name="keys")))
    return Page("Access", tuple(blocks))


def _key_row(key: KnownKey) -> list[Child]:
    state: Child = "in use" if key.current else "former"
    if key.compromised_since is not None:
        state = h("span", "compromised since ", moment(key.compromised_since))
    return [
        key.person,
        h("code", key.key_id[:16]),
        moment(key.valid_from) if key.valid_from else "ever",
        moment(key.valid_until) if key.valid_until else "on",
        state,
    ]


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
