"""Who may do what, in which state: every route is called as every role and answers what the policy answers.

Nothing is copied from the policy: a fresh `CedarPolicy` is asked with what is true of the object, and the route's
answer is compared with its. A role is allowed when the answer is neither 401 nor 403: whether the object is in a
state for the request is the life cycle's matter, told with 409.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))

from keeping import STORES, Kept, kept_in
from simulated_offers import artifact, parquet, table
from small_playbooks import WAIVED
from small_world import CASE, ENDPOINT, V1, at

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy
from roadworthy.domain.lifecycle import State
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import Person
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import TokenTerms, create_token
from roadworthy.services.agents.registry import register_agent
from roadworthy.services.licence.delegations import delegate
from roadworthy.services.watch.work_items import open_item
from roadworthy.web.api.actions import ROUTES
from roadworthy.web.api.app import PREFIX, build_api

TOKEN = "the-local-token"
SHIPPED = CedarPolicy()
WHO = {
    "data-scientist": "dora",
    "validator": "vera",
    "risk-reviewer": "rita",
    "operator": "omar",
    "business-owner": "olga",
    "auditor": "ada",
    "administrator": "admin",
}
"""One person per role a person can hold; none of them developed the version. Olga owns the use case."""


@dataclass(frozen=True)
class Call:
    """One request of a route: where, with what; and what else is true of its object."""

    path: str
    about: dict[str, Any] = field(default_factory=dict)
    action: str = ""
    owner: str = "olga"
    also: str = ""
    """One more action that must be permitted: nobody lends what they may not do themselves."""


BOOK = {"playbook": WAIVED.decode()}
KPI = {"unit": "EUR", "value": "outcome", "target": 0.1, "holdout_share": 0.1, "holdout_acts": False, "why": "anew"}
META = {"use_case": CASE, "name": "offers", "train_dataset": "none"}
COMPOSITION = {"use_case": CASE, "name": "team", "document": "kind: average\nmembers: {}\n"}
NEW_CASE = {"id": "more", "objective": "x", "owner": "olga", "target": "y", "positive_label": "yes"}
UPLOAD = {"Content-Type": "application/octet-stream"}

CALLS: dict[str, tuple[Call, ...]] = {
    "GET /people": (Call("/people"),),
    "POST /people": (Call("/people", {"json": {"name": "nora", "roles": ["auditor"]}}),),
    "POST /people/{name}/deactivate": (Call("/people/victor/deactivate", {"json": {"reason": "left"}}),),
    "POST /people/{name}/reactivate": (Call("/people/victor/reactivate", {"json": {"reason": "back"}}),),
    "GET /keys": (Call("/keys"),),
    "POST /people/{name}/key": (Call("/people/victor/key", {"json": {"reason": "a year is over"}}),),
    "POST /people/{name}/key/revocation": (
        Call(
            "/people/victor/key/revocation",
            {"json": {"key": "0", "compromised_since": "2026-01-01T00:00:00Z", "reason": "lost"}},
        ),
    ),
    "GET /tokens": (Call("/tokens"),),
    "POST /tokens": (
        Call("/tokens", {"json": {"name": "mine"}}, owner="self"),
        Call("/tokens", {"json": {"name": "theirs", "person": "victor"}}, owner="victor"),
    ),
    "DELETE /tokens/{token}": (Call("/tokens/{victors}", owner="victor"),),
    "GET /logins": (Call("/logins"),),
    "POST /logins": (
        Call("/logins", {"json": {"person": "victor", "issuer": "https://id.example", "subject": "s"}}),
    ),
    "GET /use-cases": (Call("/use-cases"),),
    "GET /use-cases/{use_case}": (Call(f"/use-cases/{CASE}"),),
    "POST /use-cases": (Call("/use-cases", {"json": NEW_CASE}),),
    "GET /use-cases/{use_case}/contract": (Call(f"/use-cases/{CASE}/contract"),),
    "POST /use-cases/{use_case}/contract": (Call(f"/use-cases/{CASE}/contract", {"json": KPI}),),
    "GET /use-cases/{use_case}/datasets": (Call(f"/use-cases/{CASE}/datasets"),),
    "POST /use-cases/{use_case}/split": (
        Call(
            f"/use-cases/{CASE}/split?share=0.3&name=x.parquet",
            {"content": parquet(table(100, 9)), "headers": UPLOAD},
        ),
    ),
    "GET /datasets/{dataset}/content": (Call("/datasets/{train}/content"),),
    "GET /use-cases/{use_case}/looks": (Call(f"/use-cases/{CASE}/looks"),),
    "POST /use-cases/{use_case}/datasets": (
        Call(
            f"/use-cases/{CASE}/datasets?role=validation&name=x.parquet",
            {"content": parquet(table(100, 9)), "headers": UPLOAD},
        ),
    ),
    "GET /versions": (Call("/versions"),),
    "POST /versions": (
        Call("/versions", {"data": {"meta": json.dumps(META)}, "files": {"artifact": ("m", artifact())}}),
    ),
    "POST /compositions": (Call("/compositions", {"json": COMPOSITION}),),
    "GET /versions/{version}": (Call(f"/versions/{V1}"),),
    "POST /versions/{version}/gates/{gate}": (
        Call(f"/versions/{V1}/gates/validation", {"json": BOOK}, "validate"),
        Call(f"/versions/{V1}/gates/release", {"json": {**BOOK, "production": "none"}}, "release"),
        Call(f"/versions/{V1}/gates/activation", {"json": {**BOOK, "production": "none"}}, "activate"),
    ),
    "GET /runs/{run}": (Call(f"/runs/validation-{V1}-1"),),
    "POST /runs/{run}/cancel": (Call(f"/runs/validation-{V1}-1/cancel", {"json": {"reason": "x"}}),),
    "POST /runs/{run}/retry": (
        Call(f"/runs/validation-{V1}-1/retry", {"json": {}}, "validate"),
        Call(f"/runs/release-{V1}-1/retry", {"json": {}}, "release"),
        Call(f"/runs/activation-{V1}-1/retry", {"json": {}}, "activate"),
    ),
    "GET /versions/{version}/why": (Call(f"/versions/{V1}/why"),),
    "POST /versions/{version}/sign-off": (Call(f"/versions/{V1}/sign-off", {"json": {"approved": True}}),),
    "POST /versions/{version}/hand-off": (
        Call(f"/versions/{V1}/hand-off", {"json": {"service_owner": "omar", "run_book": "call omar"}}),
    ),
    "GET /versions/{version}/bundle": (Call(f"/versions/{V1}/bundle"),),
    "GET /versions/{version}/evidence": (Call(f"/versions/{V1}/evidence"),),
    "POST /versions/{version}/dossier": (Call(f"/versions/{V1}/dossier", {"json": {"formats": ["index"]}}),),
    "GET /versions/{version}/licence": (Call(f"/versions/{V1}/licence"),),
    "POST /versions/{version}/renewal": (Call(f"/versions/{V1}/renewal", {"json": {"approved": True}}),),
    "POST /versions/{version}/suspension": (Call(f"/versions/{V1}/suspension", {"json": {"reason": "x"}}),),
    "POST /versions/{version}/reinstatement": (Call(f"/versions/{V1}/reinstatement", {"json": {"reason": "x"}}),),
    "POST /versions/{version}/retirement": (Call(f"/versions/{V1}/retirement", {"json": {"reason": "x"}}),),
    "POST /expiry": (Call("/expiry"),),
    "GET /delegations": (Call("/delegations"),),
    "POST /delegations": tuple(
        Call(
            "/delegations", {"json": {"taker": "dora", "until": "2027-01-01T00:00:00Z", "action": what}}, also=what
        )
        for what in ("sign-off", "accept-hand-off")
    ),
    "POST /delegations/{delegation}/revocation": (
        Call("/delegations/delegation-1/revocation", {"json": {}}, owner="vera"),
    ),
    "GET /policy": (Call("/policy"),),
    "PUT /policy": (Call("/policy", {"json": {"text": SHIPPED.text}}),),
    "GET /policy/matrix": (Call("/policy/matrix"),),
    "GET /policy/ruling": (Call(f"/policy/ruling?person=vera&action=sign-off&about={V1}"),),
    "POST /policy/check": (Call("/policy/check", {"json": {"text": SHIPPED.text}}),),
    "POST /policy/trial": (Call("/policy/trial", {"json": {"expectations": "vera read -> allow"}}),),
    "GET /endpoints": (Call("/endpoints"),),
    "GET /endpoints/{endpoint}": (Call(f"/endpoints/{ENDPOINT}"),),
    "POST /endpoints": (
        Call("/endpoints", {"json": {"name": "more", "use_case": CASE, "decision_point": "letter"}}),
    ),
    "GET /endpoints/{endpoint}/deployments": (Call(f"/endpoints/{ENDPOINT}/deployments"),),
    "POST /endpoints/{endpoint}/deployments": (
        Call(f"/endpoints/{ENDPOINT}/deployments", {"json": {"version": V1}}),
    ),
    "POST /endpoints/{endpoint}/rollout/step": (Call(f"/endpoints/{ENDPOINT}/rollout/step", {"json": {}}),),
    "POST /endpoints/{endpoint}/rollout/promote": (
        Call(f"/endpoints/{ENDPOINT}/rollout/promote", {"json": {"reason": "x"}}),
    ),
    "POST /endpoints/{endpoint}/rollout/pause": (
        Call(f"/endpoints/{ENDPOINT}/rollout/pause", {"json": {"reason": "x"}}),
    ),
    "POST /endpoints/{endpoint}/rollout/resume": (
        Call(f"/endpoints/{ENDPOINT}/rollout/resume", {"json": {"reason": "x"}}),
    ),
    "GET /endpoints/{endpoint}/shadows": (Call(f"/endpoints/{ENDPOINT}/shadows"),),
    "POST /endpoints/{endpoint}/roll-back": (Call(f"/endpoints/{ENDPOINT}/roll-back", {"json": {"reason": "x"}}),),
    "GET /endpoints/{endpoint}/log": (Call(f"/endpoints/{ENDPOINT}/log"),),
    "PUT /endpoints/{endpoint}/log": (Call(f"/endpoints/{ENDPOINT}/log", {"json": {"keep_days": 30}}),),
    "POST /upkeep": (Call("/upkeep", {"json": {"endpoint": ENDPOINT}}),),
    "POST /erasures": (Call("/erasures", {"json": {"unit_id": "u-1", "reason": "asked for"}}),),
    "GET /endpoints/{endpoint}/outcomes": (Call(f"/endpoints/{ENDPOINT}/outcomes"),),
    "POST /endpoints/{endpoint}/outcomes": (
        Call(f"/endpoints/{ENDPOINT}/outcomes", {"json": [{"request_id": "r", "value": 1}]}),
    ),
    "POST /endpoints/{endpoint}/outcomes/file": (
        Call(
            f"/endpoints/{ENDPOINT}/outcomes/file?name=x.csv",
            {"content": b"request_id,outcome\nr1,yes\n", "headers": UPLOAD},
        ),
    ),
    "GET /endpoints/{endpoint}/reviews": (Call(f"/endpoints/{ENDPOINT}/reviews"),),
    "POST /endpoints/{endpoint}/reviews": (Call(f"/endpoints/{ENDPOINT}/reviews", {"json": {}}),),
    "GET /endpoints/{endpoint}/ledger": (Call(f"/endpoints/{ENDPOINT}/ledger"),),
    "GET /agents": (Call("/agents"),),
    "POST /agents": (Call("/agents", {"json": {"name": "more", "endpoint": ENDPOINT, "version": V1}}),),
    "POST /agents/{agent}/retirement": (Call("/agents/edge/retirement", {"json": {"reason": "x"}}),),
    "POST /agents/{agent}/reports": (Call("/agents/edge/reports", {"json": {}}),),
    "GET /catalog": (Call("/catalog"),),
    "GET /status": (Call("/status"),),
    "GET /work-items": (Call("/work-items"),),
    "PUT /work-items/{item}/assignee": (Call("/work-items/work-1/assignee", {"json": {"assignee": "dora"}}),),
    "GET /work-items/{item}": (Call("/work-items/work-1"),),
    "POST /work-items/{item}/comments": (Call("/work-items/work-1/comments", {"json": {"text": "hm"}}),),
    "PUT /work-items/{item}/successor": (Call("/work-items/work-1/successor", {"json": {"successor": V1}}),),
    "POST /versions/{version}/re-entry": (Call(f"/versions/{V1}/re-entry", {"json": {"why": "mended"}}),),
    "GET /changes": (Call("/changes?limit=3"),),
    "GET /changes/verification": (Call("/changes/verification"),),
    "POST /changes/verification": (Call("/changes/verification", {"json": {"against": []}}, "export"),),
    "GET /changes/checkpoint": (Call("/changes/checkpoint"),),
    "GET /traces/{key}": (Call("/traces/none"),),
    "GET /traces/{key}/replay": (Call("/traces/none/replay"),),
    "GET /traces/{key}/explanation": (Call("/traces/none/explanation"),),
}
"""At least one request per route, whose body the route takes."""


class Furnished:
    """A serving world with a work item and a token of victor's, put back after every request that changed it."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.world = kept.world
        house, admin = self.world.house, self.world.who("admin")
        version = self.world.version(V1)
        with house.store.begin() as tx:
            open_item(house, tx, version, DefectKind.OVERFIT, "a test", "too well", "validation")
        register_agent(house, admin, "edge", ENDPOINT, V1, 60)
        delegate(house, self.world.who("vera"), "rita", house.clock.now() + timedelta(days=30))
        self.secrets = {
            name: create_token(house, admin, TokenTerms(name, "a test"), AccessRules(), ACTIONS)
            for name in ("victor", *WHO.values())
        }
        self.app = build_api(house, TOKEN, "admin")
        kept.keep("before")

    def in_state(self, state: State) -> None:
        self._kept.put_back("before")
        self.world.force_state(V1, state)
        self._kept.keep("state")

    async def ask(self, client: httpx.AsyncClient, route: str, call: Call, bearer: str) -> httpx.Response:
        method = route.partition(" ")[0]
        about = dict(call.about)
        headers = {"Authorization": f"Bearer {bearer}", **about.pop("headers", {})}
        path = PREFIX + call.path.replace("{victors}", self.secrets["victor"].token.id)
        path = path.replace("{train}", self.world.dataset("train").id)
        reply = await client.request(method, path, headers=headers, **about)
        if method != "GET":
            self._kept.put_back("state")
        return reply

    def permitted(self, person: Person, route: str, call: Call, state: State) -> bool:
        version = self.world.version(V1)
        facts = {
            "state": state.value,
            "version": V1,
            "use_case": CASE,
            "endpoint": ENDPOINT,
            "developers": list(version.developers),
            "owner": person.id if call.owner == "self" else call.owner,
            "risk_tier": self.world.use_case_now().risk_tier.value,
        }
        action = call.action or ROUTES[route].actions[0]
        return all(SHIPPED.permits(person, wanted, facts) for wanted in (action, call.also) if wanted)


@pytest.fixture(scope="module", params=STORES)
def furnished(request: pytest.FixtureRequest) -> Iterator[Furnished]:
    """The world once per store; on the real server the same few thousand requests take minutes."""
    with kept_in(request.param, at("serving"), request) as kept:
        yield Furnished(kept)


def said(reply: httpx.Response) -> bool:
    """Whether the route let the person in."""
    assert reply.status_code != 401, reply.text
    assert reply.status_code < 500, reply.text
    return reply.status_code != 403


def test_every_route_has_a_request_here() -> None:
    assert [route for route in ROUTES if route not in CALLS] == []
    for route, needs in ROUTES.items():
        assert {c.action or needs.actions[0] for c in CALLS[route]} == set(needs.actions)


@pytest.mark.parametrize("route", CALLS)
def test_every_role_in_every_state_gets_the_policys_own_answer(furnished: Furnished, route: str) -> None:
    async def all_of_them() -> tuple[dict[Any, bool], dict[Any, bool]]:
        answered, expected = {}, {}
        transport = httpx.ASGITransport(furnished.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            for state in State:
                furnished.in_state(state)
                for role, name in WHO.items():
                    for number, call in enumerate(CALLS[route]):
                        key = (role, state.value, number)
                        person = furnished.world.who(name)
                        secret = furnished.secrets[name].secret
                        answered[key] = said(await furnished.ask(client, route, call, secret))
                        expected[key] = furnished.permitted(person, route, call, state)
        return answered, expected

    answered, expected = asyncio.run(all_of_them())
    assert {k: v for k, v in answered.items() if v != expected[k]} == {}
    assert len(answered) == len(State) * len(WHO) * len(CALLS[route])
