"""The door to the pages: a proof once, then a session's cookie; and headers that keep the browser at home.

Whatever changes something is a form, sent by POST, from a page of the same origin, with what only the session's own
pages know; the session is looked up at every request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response

from roadworthy.domain.errors import (
    InputError,
    NotAllowedError,
    NotFoundError,
    RoadworthyError,
    TooLargeError,
    UnauthenticatedError,
)
from roadworthy.services.access.gatekeeper import Gatekeeper
from roadworthy.services.access.logins import follow_groups, person_of
from roadworthy.services.access.sessions import check_form, end_session, end_sessions, open_session
from roadworthy.web.api.entry.guard import address_of
from roadworthy.web.buckets import Buckets, refuse_wait
from roadworthy.web.ui.acts import SEE_OTHER, Doing, act_at
from roadworthy.web.ui.entrance import local, outside, passed_on, problem
from roadworthy.web.ui.page_loop import PAGES
from roadworthy.web.ui.provider import ProviderLogin
from roadworthy.web.ui.site import KEY, Site, Visit, Visitor

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
}
REFERRER = "same-origin"
"""Other servers are told nothing; ours must be, or forms would come without an origin."""

MAX_FORM_BYTES = 65_536
PAGES_OWN = "/_nicegui"
"""Where the pages' own scripts and sockets answer."""

LOGIN, PROVIDER, CALLBACK = "/login", "/login/provider", "/login/callback"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Door:
    """An ASGI application: lets in who proves who they are, and hands them to the pages."""

    def __init__(
        self, site: Site, keeper: Gatekeeper, failures: Buckets, login: ProviderLogin | None, public_url: str = ""
    ) -> None:
        self._site = site
        self._keeper = keeper
        self._failures = failures
        self._login = login
        self._public_url = public_url.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_origin(scope)
            await run_in_threadpool(self._visitor, scope)
        except RoadworthyError:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await PAGES.serve(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", "/"))
        guarded = _with_headers(send, None)
        try:
            answer = await self._answer(scope, receive, path)
            if answer is None:
                visit = Visit(self._site, await run_in_threadpool(self._visitor, scope))
                scope[KEY] = visit
                await PAGES.serve(scope, receive, _with_headers(send, visit))
                return
        except UnauthenticatedError as refused:
            told = "This page needs its token." if not _cookie_of(scope, _name(scope)) else _sentence(refused.what)
            answer = outside(told, 401, provider=self._provider, back=path if scope["method"] == "GET" else "/")
        except RoadworthyError as refused:
            answer = problem(refused)
        await answer(scope, receive, guarded)

    async def _answer(self, scope: Scope, receive: Receive, path: str) -> Response | None:
        """The door's own answer; None when the pages answer."""
        method = str(scope["method"])
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if path.startswith("/api/"):
            return _no_such_resource(path)
        if path == "/favicon.ico":
            return Response(status_code=204)
        if method in ("GET", "HEAD"):
            if path == LOGIN:
                return outside("Log in", 200, provider=self._provider)
            if self._login is not None and path in (PROVIDER, CALLBACK):
                return await run_in_threadpool(self._by_provider, scope, path, query)
            return await run_in_threadpool(self._by_address, scope, path, query) if "token" in query else None
        _check_origin(scope)
        if path.startswith(PAGES_OWN):
            return None
        fields = await _form(scope, receive)
        if path == LOGIN:
            return await run_in_threadpool(self._by_form, scope, fields)
        return await run_in_threadpool(self._act, scope, path, fields)

    @property
    def _provider(self) -> str:
        return self._login.provider.name if self._login else ""

    def _visitor(self, scope: Scope) -> Visitor:
        cookie = _cookie_of(scope, _name(scope))
        return Visitor(self._keeper, cookie, *self._keeper.by_cookie(cookie))

    def _by_address(self, scope: Scope, path: str, query: dict[str, list[str]]) -> Response:
        """The address `roadworthy up` prints; only the workspace's own token may stand in an address."""
        self._may_try(scope)
        if not self._keeper.is_local(query["token"][0]):
            self._failures.take(address_of(scope))
            return outside("That is not this workspace's token.", 403, provider=self._provider)
        rest = urlencode({k: v for k, v in query.items() if k != "token"}, doseq=True)
        target = f"/{path.lstrip('/')}" + (f"?{rest}" if rest else "")
        return self._let_in(scope, query["token"][0], target)

    def _by_form(self, scope: Scope, fields: dict[str, str]) -> Response:
        self._may_try(scope)
        try:
            return self._let_in(scope, fields.get("token", "").strip(), local(fields.get("next", "/")))
        except UnauthenticatedError as refused:
            self._failures.take(address_of(scope))
            return outside(_sentence(refused.what), 401, provider=self._provider)

    def _by_provider(self, scope: Scope, path: str, query: dict[str, list[str]]) -> Response:
        if self._login is None:
            raise NotFoundError("no identity provider is set", remedy="Set oidc_issuer and oidc_client_id.")
        kept = f"{_name(scope)}-login"
        if path == PROVIDER:
            begun = self._login.begin(self._home(scope) + CALLBACK, local(query.get("next", ["/"])[0]))
            answer: Response = RedirectResponse(begun.address, status_code=SEE_OTHER)
            # Lax: the way back is a link from the provider, along which the browser sends no strict cookie.
            answer.set_cookie(
                kept, begun.browser, max_age=600, httponly=True, samesite="lax", secure=_secure(scope)
            )
            return answer
        self._may_try(scope)
        try:
            identity, back = self._login.finish({k: v[0] for k, v in query.items()}, _cookie_of(scope, kept))
            name = person_of(self._keeper.house, identity, self._keeper.rules)
            person = self._keeper.active(name)
            follow_groups(self._keeper.house, person.id, identity, self._keeper.rules)
            answer = self._open(scope, person.id, f"oidc {identity.issuer}", back)
        except UnauthenticatedError as refused:
            self._failures.take(address_of(scope))
            answer = outside(_sentence(f"{refused.what}. {refused.remedy}"), 401, provider=self._provider)
        answer.delete_cookie(kept)
        return answer

    def _let_in(self, scope: Scope, token: str, target: str) -> Response:
        asker = self._keeper.by_token(token)
        return self._open(scope, asker.person.id, asker.means.via, target)

    def _open(self, scope: Scope, person: str, means: str, target: str) -> Response:
        """A new session under a new cookie; the browser's former one ends."""
        before = _cookie_of(scope, _name(scope))
        if before:
            end_session(self._keeper.house, before)
        cookie = open_session(self._keeper.house, person, means, self._keeper.rules)
        answer = passed_on(target)
        answer.set_cookie(
            _name(scope), cookie.value, httponly=True, samesite="strict", path="/", secure=_secure(scope)
        )
        return answer

    def _act(self, scope: Scope, path: str, fields: dict[str, str]) -> Response:
        visitor = self._visitor(scope)
        check_form(visitor.session, fields.get("form", ""))
        if path in ("/logout", "/logout-everywhere"):
            if path == "/logout":
                end_session(self._keeper.house, visitor.cookie)
            else:
                end_sessions(self._keeper.house, visitor.asker.person.id)
            answer = RedirectResponse(LOGIN, status_code=SEE_OTHER)
            answer.delete_cookie(_name(scope))
            return answer
        found = act_at(path)
        if found is None:
            raise NotFoundError(f"there is no form '{path[:200]}'", remedy="Start from the board.")
        act, subject = found
        actor = self._keeper.acting(visitor.asker, fields.get("actor", ""))
        visitor.house.cover(actor, (act.action,))
        return act.carry_out(Doing(visitor.house, actor, self._keeper.rules, subject, fields))

    def _may_try(self, scope: Scope) -> None:
        refuse_wait(self._failures.wait_s(address_of(scope)), "too many failed logins came from this address")

    def _home(self, scope: Scope) -> str:
        return self._public_url or f"{scope.get('scheme', 'http')}://{Headers(scope=scope).get('host', '')}"


def _check_origin(scope: Scope) -> None:
    """Refuse what a page of another site made the browser send. Raises NotAllowedError."""
    headers = Headers(scope=scope)
    origin = headers.get("origin", "")
    away = bool(origin) and urlsplit(origin).netloc != headers.get("host", "")
    if away or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowedError("this request came from another site", remedy="Use the pages of this server.")


async def _form(scope: Scope, receive: Receive) -> dict[str, str]:
    """The fields of a form; of a field given twice the last.

    Raises:
        InputError: not a form.
        TooLargeError: more than a person types.
    """
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InputError(f"a form was expected, not '{kind[:60]}'", remedy="Use the forms of the pages.")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = bool(message.get("more_body", False)) and message["type"] == "http.request"
        if len(body) > MAX_FORM_BYTES:
            raise TooLargeError(
                "the form is too large",
                remedy=f"At most {MAX_FORM_BYTES} bytes.",
                field="body",
                allowed=MAX_FORM_BYTES,
            )
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError as unread:
        raise InputError("the form cannot be read", remedy="Use the forms of the pages.") from unread


def _cookie_of(scope: Scope, name: str) -> str:
    return cookie_parser(Headers(scope=scope).get("cookie", "")).get(name, "")


def _name(scope: Scope) -> str:
    """One name per port: browsers share cookies between all ports of a host."""
    server = scope.get("server") or ("", 0)
    return f"roadworthy-{server[1]}"


def _secure(scope: Scope) -> bool:
    return str(scope.get("scheme", "http")) == "https"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _no_such_resource(path: str) -> Response:
    what = {
        "code": "not-found",
        "what": f"there is no resource {path}",
        "remedy": "See /api/openapi.json.",
        "fields": {},
    }
    return JSONResponse(what, status_code=404)


def _with_headers(send: Send, visit: Visit | None) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Referrer-Policy", REFERRER)
            if headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
                if visit is not None and message["status"] == 200:
                    message["status"] = visit.status
        await send(message)

    return sending
