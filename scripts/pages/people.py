"""Who may do what: the shipped access rules asked for every role and action."""

from __future__ import annotations

from scripts.pages.markdown import code, page, table

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy
from roadworthy.domain.trust import Person, Role

_INTRO = """
What the rules that ship permit. They are written in Cedar in
`src/roadworthy/adapters/access/roadworthy.cedar`; this table asks them once per role and action. Nothing is
allowed that no rule permits. Beside the table:

- `sign-off` is refused to whoever developed the version or one of its ancestors, whatever their roles.
- A KPI contract is signed by the use case's owner and by nobody else.
- The `auditor` reads everything, takes evidence along and changes nothing; every role reads.
- `manage-tokens` and `revoke-delegation` mean one's own; those of others are the administrator's.
- The `platform` is the program itself. No person can hold that role.
"""

_FACTS = {"developers": ["somebody-else"], "owner": "somebody"}


def roles_page() -> str:
    """`reference/roles.md`."""
    policy = CedarPolicy()
    rows = [
        [code(action), *("yes" if policy.permits(_person(role), action, _FACTS) else "" for role in Role)]
        for action in ACTIONS
    ]
    return page("Roles", _INTRO, table(("action", *(code(r.value) for r in Role)), rows))


def _person(role: Role) -> Person:
    return Person("somebody", (role,), "", "")
