"""What each route of the API asks permission for, in one place.

A route that is not named here answers nobody, and a test fails. The service behind a route asks the policy again,
with what it knows of the object (`state`, `developers`, `owner`, ...): that answer decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

READ = "read"


@dataclass(frozen=True, slots=True)
class Needs:
    """The actions of which a route carries out one, and whether its body may be a file."""

    actions: tuple[str, ...]
    upload: bool = False


def _needs(*actions: str, upload: bool = False) -> Needs:
    return Needs(actions, upload)


ROUTES: dict[str, Needs] = {
    "GET /people": _needs(READ),
    "POST /people": _needs("manage-people"),
    "POST /people/{name}/deactivate": _needs("manage-people"),
    "POST /people/{name}/reactivate": _needs("manage-people"),
    "GET /keys": _needs(READ),
    "POST /people/{name}/key": _needs("manage-people"),
    "POST /people/{name}/key/revocation": _needs("manage-people"),
    "GET /tokens": _needs(READ),
    "POST /tokens": _needs("manage-tokens"),
    "DELETE /tokens/{token}": _needs("manage-tokens"),
    "GET /logins": _needs(READ),
    "POST /logins": _needs("manage-people"),
    "GET /use-cases": _needs(READ),
    "GET /use-cases/{use_case}": _needs(READ),
    "POST /use-cases": _needs("register-use-case"),
    "GET /use-cases/{use_case}/contract": _needs(READ),
    "POST /use-cases/{use_case}/contract": _needs("agree-contract"),
    "GET /use-cases/{use_case}/datasets": _needs(READ),
    "GET /use-cases/{use_case}/looks": _needs(READ),
    "POST /use-cases/{use_case}/split": _needs("register-dataset", upload=True),
    "GET /datasets/{dataset}/content": _needs("register-dataset"),
    "POST /use-cases/{use_case}/datasets": _needs("register-dataset", upload=True),
    "GET /versions": _needs(READ),
    "POST /versions": _needs("register-version", upload=True),
    "POST /compositions": _needs("register-version"),
    "GET /versions/{version}": _needs(READ),
    "POST /versions/{version}/gates/{gate}": _needs("validate", "release", "activate"),
    "GET /versions/{version}/why": _needs(READ),
    "GET /runs/{run}": _needs(READ),
    "POST /runs/{run}/cancel": _needs("cancel-gate"),
    "POST /runs/{run}/retry": _needs("validate", "release", "activate"),
    "POST /versions/{version}/sign-off": _needs("sign-off"),
    "POST /versions/{version}/hand-off": _needs("accept-hand-off"),
    "GET /versions/{version}/bundle": _needs(READ),
    "GET /versions/{version}/evidence": _needs(READ),
    "POST /versions/{version}/dossier": _needs("issue-dossier"),
    "GET /versions/{version}/licence": _needs(READ),
    "POST /versions/{version}/renewal": _needs("sign-off"),
    "POST /versions/{version}/suspension": _needs("suspend"),
    "POST /versions/{version}/reinstatement": _needs("reinstate"),
    "POST /versions/{version}/retirement": _needs("retire"),
    "POST /expiry": _needs("suspend"),
    "GET /delegations": _needs(READ),
    "POST /delegations": _needs("delegate"),
    "POST /delegations/{delegation}/revocation": _needs("revoke-delegation"),
    "GET /policy": _needs(READ),
    "PUT /policy": _needs("manage-policy"),
    "GET /policy/matrix": _needs(READ),
    "GET /policy/ruling": _needs(READ),
    "POST /policy/check": _needs("manage-policy"),
    "POST /policy/trial": _needs("manage-policy"),
    "GET /endpoints": _needs(READ),
    "GET /endpoints/{endpoint}": _needs(READ),
    "POST /endpoints": _needs("deploy"),
    "GET /endpoints/{endpoint}/deployments": _needs(READ),
    "POST /endpoints/{endpoint}/deployments": _needs("deploy"),
    "POST /endpoints/{endpoint}/rollout/step": _needs("promote"),
    "POST /endpoints/{endpoint}/rollout/promote": _needs("promote"),
    "POST /endpoints/{endpoint}/rollout/pause": _needs("promote"),
    "POST /endpoints/{endpoint}/rollout/resume": _needs("promote"),
    "GET /endpoints/{endpoint}/shadows": _needs(READ),
    "POST /endpoints/{endpoint}/roll-back": _needs("roll-back"),
    "GET /endpoints/{endpoint}/outcomes": _needs(READ),
    "POST /endpoints/{endpoint}/outcomes": _needs("ingest-outcomes"),
    "POST /endpoints/{endpoint}/outcomes/file": _needs("ingest-outcomes", upload=True),
    "GET /endpoints/{endpoint}/log": _needs(READ),
    "PUT /endpoints/{endpoint}/log": _needs("keep-log"),
    "POST /upkeep": _needs("keep-log"),
    "POST /erasures": _needs("erase"),
    "GET /endpoints/{endpoint}/reviews": _needs(READ),
    "POST /endpoints/{endpoint}/reviews": _needs("review"),
    "GET /endpoints/{endpoint}/ledger": _needs(READ),
    "GET /agents": _needs(READ),
    "POST /agents": _needs("register-agent"),
    "POST /agents/{agent}/retirement": _needs("register-agent"),
    "POST /agents/{agent}/reports": _needs("report"),
    "GET /catalog": _needs(READ),
    "GET /status": _needs(READ),
    "GET /work-items": _needs(READ),
    "GET /work-items/{item}": _needs(READ),
    "PUT /work-items/{item}/assignee": _needs("manage-work"),
    "POST /work-items/{item}/comments": _needs("manage-work"),
    "PUT /work-items/{item}/successor": _needs("manage-work"),
    "POST /versions/{version}/re-entry": _needs("register-version"),
    "GET /changes": _needs(READ),
    "GET /changes/verification": _needs(READ),
    "POST /changes/verification": _needs("export"),
    "GET /changes/checkpoint": _needs(READ),
    "GET /traces/{key}": _needs(READ),
    "GET /traces/{key}/replay": _needs(READ),
    "GET /traces/{key}/explanation": _needs("explain"),
}
"""Every route by method and path below the API's prefix."""


def needs_of(method: str, path: str) -> Needs | None:
    """What a request asks permission for; None when no route is at this path (`path` is below the prefix)."""
    wanted = "GET" if method == "HEAD" else method
    return next((needs for verb, shape, needs in _shapes() if verb == wanted and shape.fullmatch(path)), None)


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str], Needs], ...]:
    shapes = []
    for route, needs in ROUTES.items():
        verb, _, path = route.partition(" ")
        parts = [p if not p.startswith("{") else "[^/]+" for p in re.split(r"(\{[^}]+\})", path)]
        shapes.append((verb, re.compile("".join(parts)), needs))
    return tuple(shapes)
