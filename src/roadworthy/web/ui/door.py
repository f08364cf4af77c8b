"""The door to the pages: the workspace's token once, then a cookie; and headers that keep the browser at home."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, Response

from roadworthy.web.ui.markup import Markup, h
from roadworthy.web.ui.page_loop import PAGES
from roadworthy.web.ui.site import KEY, Site, Visit

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'self'"
)
"""The browser may load from this server only; NiceGUI compiles its templates, hence 'unsafe-eval'."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;"
    "padding:0 1.25rem}code{background:color-mix(in srgb,currentColor 12%,transparent);padding:.1em .4em;"
    "border-radius:4px}input,button{font:inherit;padding:.5rem .7rem;border-radius:8px;border:1px solid #8888}"
    "form{display:flex;gap:.5rem;flex-wrap:wrap;margin-top:1.5rem}input{flex:1 1 14rem;min-width:0}"
    "button{background:#1d4ed8;color:#fff;border-color:#1d4ed8;cursor:pointer}"
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Door:
    """An ASGI application: lets in who has the token or the cookie, and hands them to the pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        at_home = not origin or urlsplit(origin).netloc == headers.get("host", "")
        if at_home and self._known(scope):
            await PAGES.serve(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, query = str(scope.get("path", "/")), parse_qs(scope.get("query_string", b"").decode("latin-1"))
        guarded = _with_headers(send, None)
        if path.startswith("/api/"):
            await _no_such_resource(path)(scope, receive, guarded)
        elif path == "/favicon.ico":
            await Response(status_code=204)(scope, receive, guarded)
        elif "token" in query:
            await self._enter(scope, path, query)(scope, receive, guarded)
        elif self._known(scope):
            visit = Visit(self._site)
            scope[KEY] = visit
            await PAGES.serve(scope, receive, _with_headers(send, visit))
        else:
            await _outside("This page needs its token.", 401)(scope, receive, guarded)

    def _known(self, scope: Scope) -> bool:
        cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
        return hmac.compare_digest(cookies.get(_cookie(scope), "").encode(), self._site.pass_word.encode())

    def _enter(self, scope: Scope, path: str, query: dict[str, list[str]]) -> Response:
        if not hmac.compare_digest(query["token"][0].encode(), self._site.token.encode()):
            return _outside("That is not this workspace's token.", 403)
        rest = urlencode({k: v for k, v in query.items() if k != "token"}, doseq=True)
        target = f"/{path.lstrip('/')}" + (f"?{rest}" if rest else "")
        # Not a redirect: when the link was clicked elsewhere, a redirect would still count as coming from there,
        # and the browser would not send a strict cookie along.
        go = h("meta", http_equiv="refresh", content=f"0; url={target}")
        link = h("p", "Welcome. ", h("a", "Go on to the page", href=target), ".")
        answer = HTMLResponse(_document("Roadworthy", link, go))
        answer.set_cookie(_cookie(scope), self._site.pass_word, httponly=True, samesite="strict", path="/")
        return answer


def _cookie(scope: Scope) -> str:
    """One name per port: browsers share cookies between all ports of a host."""
    server = scope.get("server") or ("", 0)
    return f"roadworthy-{server[1]}"


def _outside(what: str, status: int) -> Response:
    body = [
        h("h1", what),
        h(
            "p",
            "Open the address that ",
            h("code", "roadworthy up"),
            " printed when it started: it carries the token. The token is also in the file ",
            h("code", "token"),
            " of the workspace; only its owner can read it.",
        ),
        h(
            "form",
            h("input", name="token", type="password", placeholder="Token", aria_label="Token", autocomplete="off"),
            h("button", "Open the page", type="submit"),
            action="/",
            method="get",
        ),
    ]
    return HTMLResponse(_document("Roadworthy: token needed", body, None), status_code=status)


def _document(title: str, body: Any, head: Markup | None) -> str:
    meta = h("meta", name="viewport", content="width=device-width, initial-scale=1")
    top = h("head", h("meta", charset="utf-8"), meta, head, h("title", title), h("style", Markup(_STYLE)))
    return "<!doctype html>" + h("html", top, h("body", h("main", body)), lang="en")


def _no_such_resource(path: str) -> Response:
    what = {
        "code": "not-found",
        "what": f"there is no resource {path}",
        "remedy": "See /api/openapi.json.",
        "fields": {},
    }
    return JSONResponse(what, status_code=404)


def _with_headers(send: Send, visit: Visit | None) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
            if headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
                if visit is not None and message["status"] == 200:
                    message["status"] = visit.status
        await send(message)

    return sending
