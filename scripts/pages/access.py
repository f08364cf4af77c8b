"""Who may call what: every action and route against every role and state, asked from the shipped rules."""

from __future__ import annotations

from scripts.pages.markdown import code, page, table

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy
from roadworthy.domain.lifecycle import State
from roadworthy.domain.trust import Person, Role
from roadworthy.web.api.actions import ROUTES
from roadworthy.web.api.app import PREFIX

_INTRO = """
What the rules that ship answer, asked once for every role, action and state of a version. `yes` holds in every state; a
list of states says where. The person asked about developed no version here and owns the object (their use case, token
or delegation). [Roles](roles.md) says what the rules mean; other rules can be put in force.
"""
_ROUTES = f"""
Each route of the API below `{PREFIX}` carries out one of these actions. Without a token it answers 401; with one, what
the rules say: 403 where the role is not listed, where the token's scopes leave the action out, or where the person is
not independent. A test calls every route as every role in every state and compares its answer with the rules'.
`GET /api/openapi.json` needs no token.
"""
_ASKED = tuple(r for r in Role if r is not Role.PLATFORM)


def access_page() -> str:
    """`reference/access.md`."""
    policy = CedarPolicy()
    allowed = {
        (action, role): [s.value for s in State if policy.permits(_person(role), action, _facts(s))]
        for action in ACTIONS
        for role in Role
    }
    matrix = [[code(action), *(_states(allowed[action, role]) for role in Role)] for action in ACTIONS]
    routes = [
        (
            code(route),
            ", ".join(code(a) for a in needs.actions),
            ", ".join(r.value for r in _ASKED if any(allowed[a, r] for a in needs.actions)),
        )
        for route, needs in ROUTES.items()
    ]
    return page(
        "Access",
        _INTRO,
        table(("action", *(code(r.value) for r in Role)), matrix),
        "## Routes",
        _ROUTES,
        table(("route", "action", "roles"), routes),
    )


def _person(role: Role) -> Person:
    return Person("somebody", (role,), "", "")


def _facts(state: State) -> dict[str, object]:
    return {"developers": ["somebody-else"], "owner": "somebody", "state": state.value}


def _states(names: list[str]) -> str:
    return "yes" if len(names) == len(State) else ", ".join(names)
