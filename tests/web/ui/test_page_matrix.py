"""Every page and every form, as every role: what is answered is what the policy answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from keeping import STORES, Kept, kept_in
from small_world import CASE, ENDPOINT, V1, at

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import Session
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.watch.work_items import open_item
from roadworthy.web.ui.acts import ACTS
from roadworthy.web.ui.pages import ROUTES

Open = Callable[..., Any]
WHO = ("dora", "vera", "rita", "omar", "olga", "ada", "admin")
"""One person per role a person can hold; none of them developed the version."""

FILLED = {"{version}": V1, "{endpoint}": ENDPOINT, "{rest:path}": "no-such-page"}
FIELDS: dict[str, dict[str, str]] = {
    "/versions/{id}/sign-off": {"decision": "approve"},
    "/versions/{id}/dossier": {"format": "html"},
    "/work/assignee": {"item": "work-1", "assignee": "dora"},
    "/work/comment": {"item": "work-1", "text": "hm"},
    "/access/tokens": {"name": "mine"},
    "/access/tokens/{id}/revoke": {},
}
READERS_BUT_AUDITORS = """
permit (principal, action == Action::"read", resource) unless { principal in Role::"auditor" };
"""


@pytest.fixture(params=STORES)
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """The world at `serving`, once per store."""
    with kept_in(request.param, at("serving"), request) as found:
        yield found


def furnish(place: Any) -> dict[str, tuple[str, str]]:
    """A work item, and a token per person: id and secret by name."""
    world, admin = place.world, place.world.who("admin")
    version = world.version(V1)
    with world.house.store.begin() as tx:
        open_item(world.house, tx, version, DefectKind.OVERFIT, "a test", "too well", "validation")
    made = {
        n: create_token(world.house, admin, TokenTerms(n, "x"), AccessRules(), ACTIONS) for n in (*WHO, "victor")
    }
    return {name: (token.token.id, token.secret) for name, token in made.items()}


def address(path: str) -> str:
    for mark, value in FILLED.items():
        path = path.replace(mark, value)
    return path


@pytest.mark.parametrize("path", ROUTES)
def test_every_page_is_shown_to_whoever_may_read_and_to_nobody_else(
    place_at: Open, kept: Kept, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    place = place_at("serving", world=kept.world)
    kept.keep("before")
    secrets, policy = furnish(place), place.world.house.policy
    assert httpx.get(place.url + address(path)).status_code == 401
    others = CedarPolicy()
    others.replace(READERS_BUT_AUDITORS, "a test")
    answers = []
    for rules in (CedarPolicy(), others):
        # The worlds of all tests share one policy: it is not changed, its answers are exchanged for this test.
        monkeypatch.setattr(policy, "permits", rules.permits)
        for name in ("vera", "ada", "admin"):
            with place.browser(secrets[name][1]) as client:
                status = client.get(address(path)).status_code
            allowed = rules.permits(place.world.who(name), "read", {})
            assert status == ((404 if "rest" in path else 200) if allowed else 403), name
            answers.append(allowed)
    assert answers == [True, True, True, True, False, True]
    kept.put_back("before")


@pytest.mark.parametrize("act", ACTS, ids=lambda a: a.path)
def test_every_form_in_every_state_gets_the_policys_own_answer(place_at: Open, kept: Kept, act: Any) -> None:
    place = place_at("serving", world=kept.world)
    world, secrets, policy = place.world, furnish(place), CedarPolicy()
    clients = {name: place.browser(secrets[name][1]) for name in WHO}
    kept.keep("before")
    answered, expected = {}, {}
    for state in State:
        for name, client in clients.items():
            kept.put_back("before")
            world.force_state(V1, state)
            person, version = world.who(name), world.version(V1)
            own = act.path == "/access/tokens"
            facts = {
                "state": state.value,
                "version": V1,
                "use_case": CASE,
                "developers": list(version.developers),
                "owner": name if own else "victor" if "tokens" in act.path else world.use_case_now().owner,
                "risk_tier": world.use_case_now().risk_tier.value,
            }
            subject = secrets["victor"][0] if "tokens" in act.path else V1
            reply = place.send(client, act.path.replace("{id}", subject), **FIELDS[act.path])
            assert reply.status_code not in (401, 500), reply.text
            answered[name, state.value] = reply.status_code != 403
            expected[name, state.value] = policy.permits(person, act.action, facts)
    assert {k: v for k, v in answered.items() if v != expected[k]} == {}
    assert len(answered) == len(State) * len(WHO)
    assert {True, False} == set(answered.values())
    assert all(s.ended_at is None for s in world.all(Session))
