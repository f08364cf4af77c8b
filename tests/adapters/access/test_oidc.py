"""The OpenID adapter against a provider that lies: each forged proof is refused, and says which part does not hold."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from roadworthy.adapters.access.oidc import OidcProvider
from roadworthy.adapters.clock import SystemClock
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.identity import identity_provider
from roadworthy.apps.settings import Settings
from roadworthy.domain.errors import SettingError, UnauthenticatedError, UnavailableError

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
NONCE, CLIENT = "the-nonce", "roadworthy"


class Liar:
    """A provider whose token endpoint answers what a test tells it to."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.issuer = ""
        self.says: dict[str, Any] = {}
        self.token: Any = {}
        self.status = 200
        self.keys = [KEY]
        self.app.get("/.well-known/openid-configuration")(self.describe)
        self.app.get("/jwks")(self.jwks)
        self.app.post("/token")(self.answer)

    def describe(self) -> dict[str, Any]:
        plain = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks", "token_endpoint": f"{self.issuer}/token"}
        algorithms = ["none", "HS256", "RS256"]
        return {
            **plain,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "id_token_signing_alg_values_supported": algorithms,
            **self.says,
        }

    def jwks(self) -> dict[str, Any]:
        return {"keys": [k.as_dict(private=False) for k in self.keys]}

    def answer(self) -> Response:
        if isinstance(self.token, str):
            return Response(self.token, status_code=self.status, media_type="text/html")
        return Response(json.dumps(self.token), status_code=self.status, media_type="application/json")

    def claims(self, **about: Any) -> dict[str, Any]:
        now = int(time.time())
        plain = {"iss": self.issuer, "sub": "s", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": NONCE}
        return {k: v for k, v in {**plain, **about}.items() if v is not None}


@pytest.fixture
def liar() -> Iterator[Liar]:
    made = Liar()
    with BackgroundServer(made.app) as server:
        made.issuer = server.url
        yield made


def identify(liar: Liar) -> Any:
    provider = OidcProvider(liar.issuer, CLIENT, "secret", SystemClock())
    return provider.identify("http://here/login/callback", "code", NONCE, "verifier")


def signed(claims: dict[str, Any], key: Any = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one", **header}, claims, key)


def test_a_proof_of_which_everything_holds_is_taken(liar: Liar) -> None:
    liar.token = {"id_token": signed(liar.claims(email="a@b.c", email_verified=True))}
    found = identify(liar)
    assert (found.issuer, found.subject, found.email, found.email_verified) == (liar.issuer, "s", "a@b.c", True)


NOW = time.time()
FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "(iss)"),
    "for another client": ({"aud": "somebody-else"}, "(aud)"),
    "for several, and not for us in particular": ({"aud": [CLIENT, "somebody-else"]}, "(azp)"),
    "another login's": ({"nonce": "another"}, "(nonce)"),
    "no nonce": ({"nonce": None}, "(nonce)"),
    "no subject": ({"sub": None}, "(sub)"),
    "no end": ({"exp": None}, "(exp)"),
    "expired": ({"exp": int(NOW) - 3600, "iat": int(NOW) - 7200}, "expired_token"),
    "not yet": ({"nbf": int(NOW) + 36_000}, "(nbf)"),
    "from tomorrow": ({"iat": int(NOW) + 86_400, "exp": int(NOW) + 90_000}, "(iat)"),
}


@pytest.mark.parametrize(("about", "says"), FORGED.values(), ids=FORGED)
def test_a_claim_that_does_not_hold_is_named(liar: Liar, about: dict[str, Any], says: str) -> None:
    liar.token = {"id_token": signed(liar.claims(**about))}
    with pytest.raises(UnauthenticatedError, match="does not hold") as refused:
        identify(liar)
    assert says in refused.value.what


def test_a_signature_by_another_key_does_not_hold(liar: Liar) -> None:
    liar.token = {"id_token": signed(liar.claims(), OTHER)}
    with pytest.raises(UnauthenticatedError, match="does not hold: bad_signature"):
        identify(liar)


def test_a_changed_claim_breaks_the_signature(liar: Liar) -> None:
    head, _, sign = signed(liar.claims()).split(".")
    other = signed(liar.claims(sub="admin")).split(".")[1]
    liar.token = {"id_token": f"{head}.{other}.{sign}"}
    with pytest.raises(UnauthenticatedError, match="does not hold: bad_signature"):
        identify(liar)


def test_no_signature_and_one_by_what_everybody_knows_are_never_taken(liar: Liar) -> None:
    _, body, _ = signed(liar.claims()).split(".")
    none = urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    # The old confusion: the provider's public key, which everybody has, taken for a shared secret.
    mac = hmac.new(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256").digest()
    confused = f"{head}.{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for token in (f"{none}.{body}.", confused):
        liar.token = {"id_token": token}
        with pytest.raises(UnauthenticatedError, match="does not hold"):
            identify(liar)


def test_a_provider_that_changed_its_key_is_asked_for_it_once_more(liar: Liar) -> None:
    provider = OidcProvider(liar.issuer, CLIENT, "secret", SystemClock())
    liar.token = {"id_token": signed(liar.claims())}
    provider.identify("http://here", "code", NONCE, "verifier")
    liar.keys = [RSAKey.generate_key(2048, {"kid": "two"})]
    liar.token = {"id_token": signed(liar.claims(), liar.keys[0], kid="two")}
    assert provider.identify("http://here", "code", NONCE, "verifier").subject == "s"


ANSWERS: dict[str, tuple[int, Any]] = {
    "a page": (200, "<html>hello</html>"),
    "an error": (400, {"error": "invalid_grant", "error_description": "the code is used"}),
    "broken": (500, "oops"),
    "no proof": (200, {"access_token": "x"}),
    "a number": (200, {"id_token": 3}),
    "a list": (200, [1]),
    "not a token": (200, {"id_token": "a.b.c"}),
    "nothing": (200, {"id_token": ""}),
}


@pytest.mark.parametrize(("status", "token"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_no_proof_logs_nobody_in(liar: Liar, status: int, token: Any) -> None:
    liar.status, liar.token = status, token
    with pytest.raises(UnauthenticatedError):
        identify(liar)


@pytest.mark.parametrize(
    "says",
    [{"issuer": "https://evil.example"}, {"jwks_uri": None}, {"token_endpoint": 3}],
    ids=["issuer", "keys", "kind"],
)
def test_a_provider_that_does_not_describe_itself_is_unavailable(liar: Liar, says: dict[str, Any]) -> None:
    liar.says = says
    with pytest.raises(UnavailableError):
        OidcProvider(liar.issuer, CLIENT, "", SystemClock()).address("http://here", "s", "n", "v")


@pytest.mark.parametrize("issuer", ["http://id.example", "id.example", "ftp://id.example", "https://", ""])
def test_an_issuer_that_is_no_https_address_is_refused(issuer: str) -> None:
    with pytest.raises(SettingError, match="oidc_issuer"):
        OidcProvider(issuer, CLIENT, "", SystemClock())


def test_the_secret_comes_from_the_environment_or_a_file_and_is_shown_nowhere(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    settings = Settings(
        workspace=tmp_path, oidc_issuer="https://id.example", oidc_client_id=CLIENT, oidc_secret_file="secret"
    )
    by_file = identity_provider(settings, SystemClock(), {})
    by_environment = identity_provider(settings, SystemClock(), {"ROADWORTHY_OIDC_CLIENT_SECRET": "from-outside"})
    assert (by_file._secret, by_environment._secret) == ("from-a-file", "from-outside")  # type: ignore[union-attr]
    assert "from-" not in repr(by_file) + repr(by_environment) + repr(settings)


def test_no_issuer_is_no_provider_and_half_a_setting_is_refused(tmp_path: Any) -> None:
    assert identity_provider(Settings(workspace=tmp_path), SystemClock(), {}) is None
    with pytest.raises(SettingError, match="oidc_client_id is not"):
        identity_provider(Settings(workspace=tmp_path, oidc_issuer="https://id.example"), SystemClock(), {})
    missing = Settings(workspace=tmp_path, oidc_issuer="https://x", oidc_client_id="c", oidc_secret_file="none")
    with pytest.raises(SettingError, match="cannot be read"):
        identity_provider(missing, SystemClock(), {})
