"""A real OpenID provider on this machine (the package `oidc-provider-mock`), with what it was asked written down."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import werkzeug.serving

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package still uses what Authlib has deprecated
    import oidc_provider_mock


@dataclass
class Provider:
    """Where it answers, and the bodies its token endpoint was sent."""

    issuer: str
    asked: list[dict[str, str]] = field(default_factory=list)

    def login(self, address: str, subject: str) -> dict[str, str]:
        """What a person does there: says who they are. Returns the query of the way back."""
        answer = httpx.post(address, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def describe(self, subject: str, **claims: object) -> None:
        """Sets what the provider knows of an account."""
        assert httpx.put(f"{self.issuer}/users/{subject}", json=claims).status_code == 204


@contextmanager
def identity_provider(token_life: timedelta = timedelta(hours=1)) -> Iterator[Provider]:
    """The provider until the block ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = oidc_provider_mock.app(require_nonce=True, access_token_max_age=token_life)
        server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")

    @app.before_request
    def write_down() -> None:
        import flask  # noqa: PLC0415 - beside the server it belongs to

        if flask.request.path == "/oauth2/token":
            provider.asked.append(dict(flask.request.form))

    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
