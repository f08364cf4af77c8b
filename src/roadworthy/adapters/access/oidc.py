"""OpenID Connect: discovery, authorization code with PKCE, and an ID token of which everything is checked."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from roadworthy.domain.errors import MissingExtraError, SettingError, UnauthenticatedError, UnavailableError
from roadworthy.domain.ports import Clock
from roadworthy.domain.trust import Identity

TIMEOUT_S = 10.0
LEEWAY_S = 60
"""How far the provider's clock may be off."""

MAX_GROUPS = 1_000
"""Groups read of one account."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the provider's own key. `none`, and HMAC, whose key a client knows, are never taken."""

AGAIN = "Log in again; when it happens again, ask whoever runs the identity provider."


class OidcProvider:
    """One identity provider, by its issuer. Metadata and keys are read at the first login, keys again when unknown.

    Args:
        issuer: `https://...`, exactly as the provider calls itself; `http` only on this machine.
        client_id: how the provider knows this installation.
        client_secret: its secret; empty for a public client.
        clock: against which an ID token's times are checked.
        groups_claim: the claim that lists somebody's groups.

    Raises:
        MissingExtraError: Authlib is not installed.
        SettingError: an issuer that cannot be one.
    """

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, clock: Clock, *, groups_claim: str = "groups"
    ) -> None:
        parts = urlsplit(issuer)
        near = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
            raise SettingError(
                "oidc_issuer is no https address",
                remedy="Give the issuer as the provider names it.",
                key="oidc_issuer",
            )
        self._authlib = _libraries()
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._secret = client_secret
        self._clock = clock
        self._groups_claim = groups_claim
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"OidcProvider({self._issuer!r}, {self._client_id!r})"

    @property
    def name(self) -> str:
        """The provider's host."""
        return urlsplit(self._issuer).netloc

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to log in."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect,
            "scope": "openid email",
            "state": state,
            "nonce": nonce,
            "code_challenge": self._authlib["challenge"](verifier),
            "code_challenge_method": "S256",
        }
        found: str = self._authlib["add_params"](self._known()["authorization_endpoint"], list(asked.items()))
        return found

    def identify(self, redirect: str, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with this code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        auth = (quote(self._client_id, safe=""), quote(self._secret, safe="")) if self._secret else None
        answer = self._send("POST", self._known()["token_endpoint"], data=form, auth=auth)
        token = _json(answer)
        if answer.status_code != 200 or not isinstance(token.get("id_token"), str):
            said = str(token.get("error", answer.status_code))[:80]
            raise UnauthenticatedError(f"{self.name} did not take the code: {said}", remedy=AGAIN)
        claims = self._checked(token["id_token"], nonce, token.get("access_token"))
        return Identity(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            email_verified=claims.get("email_verified") is True,
            groups=_groups(claims.get(self._groups_claim)),
        )

    def _checked(self, id_token: str, nonce: str, access_token: object) -> dict[str, Any]:
        """The claims of an ID token: signature, issuer, audience, times and nonce hold, or nobody logs in."""
        errors = self._authlib["JoseError"]
        try:
            try:
                decoded = self._decode(id_token, self._key_set())
            except (errors, ValueError):
                # A provider that changed its keys: once more with today's.
                decoded = self._decode(id_token, self._key_set(anew=True))
            options = {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
                "nonce": {"essential": True, "value": nonce},
            }
            params = {"nonce": nonce, "client_id": self._client_id, "access_token": access_token}
            claims = self._authlib["CodeIDToken"](decoded.claims, decoded.header, options, params)
            claims.validate(now=int(self._clock.now().timestamp()), leeway=LEEWAY_S)
        except (errors, ValueError, TypeError, KeyError) as wrong:
            kind = getattr(wrong, "error", type(wrong).__name__)
            about = str(getattr(wrong, "claim", "") or "")
            raise UnauthenticatedError(
                f"the proof from {self.name} does not hold: {kind}{f' ({about})' if about else ''}", remedy=AGAIN
            ) from wrong
        return dict(claims)

    def _decode(self, id_token: str, keys: Any) -> Any:
        offered = self._known().get("id_token_signing_alg_values_supported") or ["RS256"]
        return self._authlib["jwt"].decode(id_token, keys, algorithms=[a for a in ALGORITHMS if a in offered])

    def _key_set(self, *, anew: bool = False) -> Any:
        with self._lock:
            if anew or not self._keys:
                self._keys = _json(self._send("GET", str(self._metadata["jwks_uri"])))
            return self._authlib["KeySet"].import_key_set(self._keys)

    def _known(self) -> dict[str, Any]:
        with self._lock:
            if not self._metadata:
                answer = self._send("GET", f"{self._issuer}/.well-known/openid-configuration")
                found = _json(answer)
                needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                if answer.status_code != 200 or not all(isinstance(found.get(n), str) for n in needed):
                    raise UnavailableError(
                        f"{self.name} does not describe itself: HTTP {answer.status_code}",
                        remedy="Check the setting oidc_issuer.",
                    )
                if str(found.get("issuer", "")).rstrip("/") != self._issuer:
                    raise UnavailableError(
                        f"{self.name} calls itself by another issuer", remedy="Set oidc_issuer to what it says."
                    )
                self._metadata = found
            return self._metadata

    def _send(self, method: str, address: str, **about: Any) -> httpx.Response:
        try:
            return httpx.request(method, address, timeout=TIMEOUT_S, follow_redirects=False, **about)
        except (httpx.HTTPError, httpx.InvalidURL) as away:
            raise UnavailableError(
                f"the identity provider {self.name} does not answer: {type(away).__name__}",
                remedy="Try again later, or log in with a token.",
            ) from away


def _groups(claim: object) -> tuple[str, ...]:
    """The groups in a claim; what is no list of names is none."""
    if not isinstance(claim, list):
        return ()
    return tuple(name for name in claim[:MAX_GROUPS] if isinstance(name, str))


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _libraries() -> dict[str, Any]:
    try:
        return {
            "challenge": import_module("authlib.oauth2.rfc7636").create_s256_code_challenge,
            "add_params": import_module("authlib.common.urls").add_params_to_uri,
            "CodeIDToken": import_module("authlib.oidc.core").CodeIDToken,
            "JoseError": import_module("joserfc.errors").JoseError,
            "KeySet": import_module("joserfc.jwk").KeySet,
            "jwt": import_module("joserfc.jwt"),
        }
    except ImportError as missing:
        raise MissingExtraError(
            "logging in by OpenID Connect needs Authlib",
            remedy="Install it: pip install 'roadworthy[oidc]'.",
            extra="oidc",
        ) from missing
