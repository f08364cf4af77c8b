"""What is shown in front of the door: plain documents that need nothing of what is behind it."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, Response

from roadworthy.domain.errors import RoadworthyError
from roadworthy.web.api.entry.edge import answer_of, status_of
from roadworthy.web.ui.markup import Markup, h

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;"
    "padding:0 1.25rem}code{background:color-mix(in srgb,currentColor 12%,transparent);padding:.1em .4em;"
    "border-radius:4px;overflow-wrap:anywhere}input,button,a.button{font:inherit;padding:.5rem .7rem;"
    "border-radius:8px;border:1px solid #8888}form{display:flex;gap:.5rem;flex-wrap:wrap;margin-top:1.5rem}"
    "input{flex:1 1 14rem;min-width:0}button,a.button{background:#1d4ed8;color:#fff;border-color:#1d4ed8;"
    "cursor:pointer;text-decoration:none;display:inline-block}"
)


def outside(what: str, status: int, *, provider: str = "", back: str = "/") -> Response:
    """How to get in: a token, or the identity provider when there is one."""
    body = [
        h("h1", what),
        h(
            "p",
            "Open the address that ",
            h("code", "roadworthy up"),
            " printed when it started: it carries the token. The token is also in the file ",
            h("code", "token"),
            " of the workspace; only its owner can read it. A token of your own does as well.",
        ),
        h(
            "form",
            h("input", name="token", type="password", placeholder="Token", aria_label="Token", autocomplete="off"),
            h("input", name="next", type="hidden", value=local(back)),
            h("button", "Open the page", type="submit"),
            action="/login",
            method="post",
        ),
        h("p", h("a", f"Log in with {provider}", href="/login/provider", class_="button")) if provider else None,
    ]
    return HTMLResponse(document("Roadworthy: token needed", body), status_code=status)


def passed_on(target: str) -> Response:
    """Goes on to a page of ours, without the address it came from.

    Not a redirect: when the link was clicked elsewhere, a redirect would still count as coming from there, and the
    browser would not send a strict cookie along. A refresh after no time takes this address out of the history.
    """
    go = h("meta", http_equiv="refresh", content=f"0; url={target}")
    link = h("p", "Welcome. ", h("a", "Go on to the page", href=target), ".")
    return HTMLResponse(document("Roadworthy", link, go), headers={"Referrer-Policy": "no-referrer"})


def problem(error: RoadworthyError, back: str = "/") -> Response:
    """What was refused, why, and what to do; the status and headers are the API's."""
    body = [
        h("h1", "This was not done"),
        h("p", f"{error.what[:1].upper()}{error.what[1:]}."),
        h("p", error.remedy),
        h("p", h("a", "Back", href=local(back))),
    ]
    headers = {k: v for k, v in answer_of(error).headers.items() if k in ("retry-after", "www-authenticate")}
    return HTMLResponse(document("Roadworthy: refused", body), status_code=status_of(error), headers=headers)


def secret_shown(secret: str, said: str) -> Response:
    """A new token's secret, this once: the document is kept by no cache and its address shows nothing again."""
    body = [
        h("h1", "Your new token"),
        h("p", h("code", secret, id="secret")),
        h("p", said),
        h("p", "It is shown this once. Put it where only you can read it."),
        h("p", h("a", "Back", href="/access")),
    ]
    return HTMLResponse(document("Roadworthy: new token", body), status_code=201)


def document(title: str, body: Any, head: Markup | None = None) -> str:
    """A whole page."""
    meta = h("meta", name="viewport", content="width=device-width, initial-scale=1")
    top = h("head", h("meta", charset="utf-8"), meta, head, h("title", title), h("style", Markup(_STYLE)))
    return "<!doctype html>" + h("html", top, h("body", h("main", body)), lang="en")


def local(target: str) -> str:
    """The target when it is a path of this server, else its start: nobody is led elsewhere by a link to us."""
    plain = not any(ord(c) < 33 or c == "\\" for c in target)
    return f"/{target.lstrip('/')}" if target.startswith("/") and plain else "/"
