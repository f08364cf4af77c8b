"""What people do on the pages: each form is one service, called under the name of whoever is logged in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadworthy.adapters.access.cedar import ACTIONS
from roadworthy.domain.errors import SettingError
from roadworthy.domain.trust import Person
from roadworthy.services.access.rules import AccessRules
from roadworthy.services.access.tokens import TokenTerms, create_token, revoke_token
from roadworthy.services.dossier.issue import FILES, issue_dossier
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.house import House
from roadworthy.services.watch.way_back import assign, comment
from roadworthy.web.ui.entrance import secret_shown

SEE_OTHER = 303
PRINTED = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
"""Files of a dossier that the version's page hands out."""

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Doing:
    """A form that came in: in which house, by whom, about what, with which fields."""

    house: House
    actor: Person
    rules: AccessRules
    subject: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Act:
    """A form's address (`{id}` is its subject), the action it needs, and what carries it out."""

    path: str
    action: str
    carry_out: Callable[[Doing], Response]


def _sign(doing: Doing) -> Response:
    decision = doing.fields.get("decision", "")
    if decision not in ("approve", "reject"):
        raise SettingError(
            f"the decision is '{decision[:40]}'", remedy="Allowed: approve, reject.", field="decision"
        )
    reason = doing.fields.get("reason", "").strip()
    sign_off(doing.house, doing.actor, doing.subject, approved=decision == "approve", reason=reason)
    return _seen(f"/versions/{quote(doing.subject, safe=':@')}")


def _dossier(doing: Doing) -> Response:
    """One file of a fresh dossier to keep; the signed package of all files is what the command writes."""
    wanted = doing.fields.get("format", "")
    if wanted not in PRINTED:
        raise SettingError(
            f"the format is '{wanted[:40]}'", remedy=f"Allowed: {', '.join(PRINTED)}.", field="format"
        )
    issued = issue_dossier(doing.house, doing.actor, doing.subject, (wanted,))
    name = f"dossier-{re.sub(r'[^A-Za-z0-9.-]+', '-', issued.version)}.{wanted}"
    kept = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(issued.files[FILES[wanted]], media_type=PRINTED[wanted], headers=kept)


def _assign(doing: Doing) -> Response:
    assign(doing.house, doing.actor, doing.fields.get("item", ""), doing.fields.get("assignee", "").strip())
    return _seen("/work")


def _comment(doing: Doing) -> Response:
    comment(doing.house, doing.actor, doing.fields.get("item", ""), doing.fields.get("text", "").strip())
    return _seen("/work")


def _create_token(doing: Doing) -> Response:
    person = doing.fields.get("person", "").strip() or doing.actor.id
    scopes = tuple(s for s in re.split(r"[\s,]+", doing.fields.get("scopes", "")) if s)
    terms = TokenTerms(person, doing.fields.get("name", ""), scopes)
    made = create_token(doing.house, doing.actor, terms, doing.rules, ACTIONS)
    covers = ", ".join(made.token.scopes) or "all they may do"
    until = made.token.expires_at.strftime("%Y-%m-%d %H:%M")
    return secret_shown(made.secret, f"Token {made.token.id} of {person} covers {covers} until {until}.")


def _revoke_token(doing: Doing) -> Response:
    revoke_token(doing.house, doing.actor, doing.subject)
    return _seen("/access")


ACTS: tuple[Act, ...] = (
    Act("/versions/{id}/sign-off", "sign-off", _sign),
    Act("/versions/{id}/dossier", "issue-dossier", _dossier),
    Act("/work/assignee", "manage-work", _assign),
    Act("/work/comment", "manage-work", _comment),
    Act("/access/tokens", "manage-tokens", _create_token),
    Act("/access/tokens/{id}/revoke", "manage-tokens", _revoke_token),
)
"""Every form; a test sends each as every role and compares with the policy."""


def act_at(path: str) -> tuple[Act, str] | None:
    """The form's act and its subject; None when no form has this address."""
    for act in ACTS:
        before, _, after = act.path.partition("{id}")
        found = re.fullmatch(
            re.escape(before) + (r"([^/]+)" if "{id}" in act.path else "()") + re.escape(after), path
        )
        if found:
            return act, found[1]
    return None


def _seen(where: str) -> Response:
    return RedirectResponse(where, status_code=SEE_OTHER)
