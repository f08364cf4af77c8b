"""One story told with known secrets; afterwards none of them is anywhere but where it belongs."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))

from identity_provider import identity_provider

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import Control
from roadworthy.apps.full import open_full
from roadworthy.apps.identity import SECRET
from roadworthy.apps.settings import Settings
from roadworthy.cli.access.credentials import TOKEN, TOKEN_FILE, URL, Credentials
from roadworthy.cli.main import run
from roadworthy.cli.processes.places import announced
from roadworthy.domain.ports import AGGREGATES
from roadworthy.domain.trust import Change
from roadworthy.services.access.sessions import form_token

pytestmark = [  # the package that is the provider still uses what Authlib has deprecated
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]
CLIENT_SECRET = "the-secret-of-the-oidc-client"


@dataclass
class Told:
    """What was told where, by name, and the secrets of the story, by name."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def tell(self, place: str, *texts: object) -> None:
        self.places[place] = self.places.get(place, "") + "\n".join(str(t) for t in texts)


def cli(told: Told, *words: str) -> int:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(words))
    told.tell("command line", " ".join(words), out.getvalue(), err.getvalue())
    return code


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **more}


def ask_everything(told: Told, url: str, personal: str) -> None:
    """Good requests, bad ones, and ones with a secret where it does not belong."""
    local = told.secrets["local token"]
    with httpx.Client(base_url=f"{url}/api/v1") as api:
        for secret in (local, personal):
            for path in ("/people", "/tokens", "/changes", "/status", "/traces/none", "/versions/none", "/logins"):
                told.tell("answers of the API", api.get(path, headers=bearer(secret)).text)
            for body in (b"{", b"[]", b'{"name": 3}', b'{"name": "x", "scopes": ["fly"]}'):
                told.tell("answers of the API", api.post("/tokens", content=body, headers=bearer(secret)).text)
        half = personal[:-2]
        answers = (
            api.get("/people", headers=bearer(half)),
            api.get("/people", headers=bearer(personal, **{"X-Roadworthy-Actor": "dan"})),
            api.get("/people", headers={"Authorization": f"Basic {personal}"}),
        )
        told.tell("answers of the API", *(a.text for a in answers), *(dict(a.headers) for a in answers))


def browse(told: Told, url: str, issuer: Any) -> None:
    """In by token, in by the provider, and what is refused at the door."""
    with httpx.Client(base_url=url) as client:
        for token in ("wrong", told.secrets["personal token"][:-1]):
            told.tell("pages", client.post("/login", data={"token": token}).text)
        told.tell("pages", client.post("/login", data={"token": told.secrets["personal token"]}).text)
        told.secrets["cookie"] = next(c.value or "" for c in client.cookies.jar)
        told.tell("pages", client.get("/access").text, client.get("/changes").text, client.get("/none").text)
        forged = client.post("/versions/x:1/sign-off", data={"form": "0" * 64}, headers={"Origin": url})
        told.tell("pages", forged.text)
        own = {"form": form_token(told.secrets["cookie"]), "decision": "approve"}
        told.tell("pages", client.post("/versions/x:1/sign-off", data=own, headers={"Origin": url}).text)
    with httpx.Client(base_url=url) as client:
        begun = client.get("/login/provider").headers["location"]
        told.tell("pages", begun)
        told.tell("pages", client.get("/login/callback", params=issuer.login(begun, "vera-at-work")).text)
        told.secrets["cookie by the provider"] = next(
            c.value or "" for c in client.cookies.jar if not c.name.endswith("-login")
        )
        told.tell("pages", client.get("/login/callback", params={"state": "x", "code": "y"}).text)


def record(told: Told, control: Control) -> None:
    """Everything that is kept, and how everything shows itself."""
    with control.house.store.read() as tx:
        told.tell("change record", *tx.changes.read())
        for aggregate in AGGREGATES:
            told.tell("store", *tx.of(aggregate.kind).find())
    told.tell("reprs", control, control.settings, control.house, control.app.control.state.keeper)
    told.tell("reprs", control.app.control.state.provider, Credentials("x", "y"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    made, root = Told(), tmp_path_factory.mktemp("house")
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    before = logging.getLogger().level
    # httpx and its kin are this test's own client side; what they log of their requests is not the server's.
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    for name in ("httpx", "httpcore", "werkzeug", "oidc_provider_mock"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with pytest.MonkeyPatch.context() as patch, identity_provider() as issuer:
        patch.setenv(SECRET, CLIENT_SECRET)
        settings = Settings(workspace=root, oidc_issuer=issuer.issuer, oidc_client_id="roadworthy")
        with (
            open_full(settings, engine=InlineEngine()) as control,
            BackgroundServer(control.app) as server,
            announced(settings.root, server.url),
        ):
            made.secrets |= {"local token": control.token, "client secret": CLIENT_SECRET}
            place = ("--workspace", str(root))
            for name, role in (("vera", "validator"), ("dan", "data-scientist")):
                assert cli(made, "people", "add", name, "--role", role, *place) == 0
            api = httpx.Client(base_url=f"{server.url}/api/v1", headers=bearer(control.token))
            with api:
                body = {"person": "vera", "name": "laptop"}
                made.secrets["personal token"] = api.post("/tokens", json=body).json()["secret"]
                link = {"person": "vera", "issuer": issuer.issuer, "subject": "vera-at-work"}
                assert api.post("/logins", json=link).status_code == 201
            for kept in (root / "keys").rglob("*"):
                if kept.is_file() and "PRIVATE KEY" in kept.read_text():
                    made.secrets[f"private key {kept.name}"] = "".join(kept.read_text().splitlines()[1:-1])
            patch.setenv(TOKEN, made.secrets["personal token"])
            for words in (("token", "--json"), ("people",), ("status", "--debug"), ("token", "revoke", "none")):
                cli(made, *words, *place)
            cli(made, "people", "--as", "dan", "--debug", *place)
            patch.delenv(TOKEN)
            secret = root / "open"
            secret.write_text(made.secrets["personal token"])
            secret.chmod(0o644)
            patch.setenv(TOKEN_FILE, str(secret))
            cli(made, "status", "--json", *place)
            secret.unlink()
            patch.delenv(TOKEN_FILE)
            patch.setenv(URL, "http://127.0.0.1:1")
            patch.setenv(TOKEN, made.secrets["personal token"])
            cli(made, "status", "--debug", *place)
            ask_everything(made, server.url, made.secrets["personal token"])
            browse(made, server.url, issuer)
            record(made, control)
            made.tell("arguments of the process", Path("/proc/self/cmdline").read_bytes())
            made.tell("settings file and server file", *(p.read_text() for p in root.glob("*.json")))
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(before)
    made.tell("log", log.getvalue())
    return made


NAMES = ("local token", "client secret", "personal token", "cookie", "cookie by the provider")
PLACES = ("command line", "answers of the API", "pages", "change record", "store", "reprs",
          "arguments of the process", "settings file and server file", "log")  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_of_the_story_is_told_where_it_does_not_belong(told: Told, place: str) -> None:
    needles = {
        name: value.split("_")[-1] if value.startswith("rwt_") else value for name, value in told.secrets.items()
    }
    assert set(NAMES) <= set(needles)
    assert sum(name.startswith("private key") for name in needles) >= 4
    assert all(len(value) >= 20 for value in needles.values())
    text = told.places[place]
    assert [name for name, value in needles.items() if value in text or json.dumps(value)[1:-1] in text] == []


def test_the_story_was_told_everywhere_so_that_the_search_means_something(told: Told) -> None:
    for place in PLACES:
        if place != "log":
            assert told.places[place].strip(), place
    assert "vera" in told.places["change record"]
    for said in ("cannot act as dan", "can be read by others", "unauthenticated", "does not answer"):
        assert any(said in text for text in told.places.values()), said
    assert Change.__name__ in told.places["change record"]


def test_a_token_that_stands_in_the_record_would_be_found(told: Told) -> None:
    number = told.secrets["personal token"].split("_")[1]
    assert number in told.places["change record"], "the id is no secret, and shows that the place is searched"
