"""Who approved a version, whether that is enough, and what it allows: the licence, read from signatures alone.

Rules, for the sign-offs that bind the envelope of one validation run:

1. Each is signed by the person it names: a validator who developed neither the version nor an ancestor of it.
2. Somebody else may sign in a validator's place under a delegation: granted by that validator, for this action, in
   this use case, begun, not ended and not revoked when they signed. The giver must be independent too.
3. One rejection refuses the version.
4. Sign-offs come in rounds: the first, then one per renewal. The newest round in which the quorum is reached counts;
   before it is complete, the earlier one does.
5. The quorum is the one the validation run itself states. A person counts once, and so does the validator they sign
   for: the most pairs (person, in whose place) with nobody on either side twice.
6. Within a round the conditions are intersected. The licence ends at the earliest `until`, and `max_age_days` after
   the round's first signature.

What binds another envelope is about other evidence and counts for nothing here: new evidence voids old approvals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError, IntegrityError
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import ApprovalTerms, Conditions, Delegation, EvidenceKind, Licence, Role
from roadworthy.evidence.digest import digest_of
from roadworthy.evidence.envelope import OpenedStatement
from roadworthy.evidence.licence import SIGNERS, delegation_of, gate_runs, refused
from roadworthy.evidence.statements import granted

SIGN_OFF, ACCEPT = "sign-off", "accept-hand-off"
"""The actions a delegation may name."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One approval: who signed, in whose place, when, in which round, and under which conditions."""

    person: str
    place: str
    at: datetime
    round: int = 1
    conditions: Conditions = field(default_factory=Conditions)


def require_sign_off(opened: Sequence[OpenedStatement], validation: OpenedStatement) -> Licence:
    """The licence that the sign-offs of this validation run give.

    Raises:
        CouldNotVerifyError: there is none, or fewer than the quorum; or nobody can be shown to be independent.
        IntegrityError: one rejects, is not independent, contradicts itself, or was not delegated.
    """
    version = str(validation.fact("version"))
    votes = [
        _vote(o, opened, validation)
        for o in opened
        if o.kind is EvidenceKind.SIGN_OFF and o.subject == validation.id
    ]
    return licence_of(version, votes, terms_of(validation))


def terms_of(validation: OpenedStatement) -> ApprovalTerms:
    """What the playbook of a validation run demanded of an approval; runs of before that was stated: one signature."""
    return msgspec.convert(validation.predicate.get("approval", {}), ApprovalTerms)


def licence_of(version: str, votes: Sequence[Vote], terms: ApprovalTerms) -> Licence:
    """What these approvals allow together (rules 4 to 6).

    Raises:
        CouldNotVerifyError: in no round is the quorum reached; says how many of how many.

    Example:
        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 3, 1, tzinfo=UTC)
        >>> two = [Vote("vera", "vera", at), Vote("victor", "victor", at)]
        >>> licence_of("offers:1", two, ApprovalTerms(quorum=2)).signers
        ('vera', 'victor')
    """
    rounds = sorted({v.round for v in votes}, reverse=True)
    for number in rounds:
        mine = [v for v in votes if v.round == number]
        if counted(mine) >= terms.quorum:
            return _licence(version, mine, terms)
    best = max((counted([v for v in votes if v.round == n]) for n in rounds), default=0)
    raise CouldNotVerifyError(
        f"missing: sign-off of the validation run of version {version}: {best} of {terms.quorum} that count",
        remedy="Let independent validators sign it; missing evidence is never a pass.",
        piece=SIGN_OFF,
        version=version,
        signatures=best,
        quorum=terms.quorum,
    )


def counted(votes: Iterable[Vote]) -> int:
    """How many signatures these votes are: the most pairs of a person and a place with none of either twice.

    Example (victor signs for himself and in vera's place; that is one person, and no quorum of two):
        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 3, 1, tzinfo=UTC)
        >>> counted([Vote("victor", "victor", at), Vote("victor", "vera", at)])
        1
    """
    places: dict[str, list[str]] = {}
    for vote in votes:
        places.setdefault(vote.person, []).append(vote.place)
    holder: dict[str, str] = {}
    return sum(_seated(person, places, holder, set()) for person in sorted(places))


def _seated(person: str, places: dict[str, list[str]], holder: dict[str, str], tried: set[str]) -> bool:
    """Find a place for one more person, moving others to another of theirs (an augmenting path)."""
    for place in places[person]:
        if place not in tried:
            tried.add(place)
            if place not in holder or _seated(holder[place], places, holder, tried):
                holder[place] = person
                return True
    return False


def intersect(conditions: Sequence[Conditions]) -> Conditions:
    """What holds under all of these: the earliest end, and per column the values every one of them allows."""
    ends = [c.until for c in conditions if c.until is not None]
    only: dict[str, tuple[str, ...]] = {}
    for one in conditions:
        for column, allowed in one.only.items():
            both = only.get(column, allowed)
            only[column] = tuple(value for value in both if value in allowed)
    return Conditions(min(ends, default=None), only)


def _licence(version: str, votes: Sequence[Vote], terms: ApprovalTerms) -> Licence:
    conditions = intersect([v.conditions for v in votes])
    since = min(v.at for v in votes)
    ends = [] if conditions.until is None else [conditions.until]
    if terms.max_age_days is not None:
        ends.append(since + timedelta(days=terms.max_age_days))
    signers = dict.fromkeys(v.person if v.person == v.place else f"{v.person} for {v.place}" for v in votes)
    return Licence(
        version=version,
        since=since,
        until=min(ends, default=None),
        only=conditions.only,
        max_decisions=terms.max_decisions,
        void_on_drift=terms.void_on_drift,
        signers=tuple(signers),
        round=votes[0].round,
    )


def _vote(sign_off: OpenedStatement, opened: Sequence[OpenedStatement], validation: OpenedStatement) -> Vote:
    version = str(validation.fact("version"))
    who = f"the sign-off of version {version} by {sign_off.person.id}"
    if sign_off.fact("person") != sign_off.person.id or sign_off.fact("version") != version:
        raise refused(
            SIGN_OFF,
            f"{who} is signed by {sign_off.person.id} but states {str(sign_off.fact('person'))[:80]!r} and version"
            f" {str(sign_off.fact('version'))[:80]!r}",
            "Sign off again.",
        )
    place = sign_off.person.id
    at = msgspec.convert(sign_off.fact("at"), datetime)
    if delegation_of(sign_off):
        place = _delegated(sign_off, opened, SIGN_OFF, str(validation.fact("use_case")))
    makers = _makers(validation, version)
    for person in dict.fromkeys((sign_off.person.id, place)):
        if person in makers:
            raise refused(
                SIGN_OFF,
                f"{who} is not independent: {person} developed it or a version it descends from",
                "Let another validator judge it.",
            )
    if sign_off.fact("approved") is not True:
        raise refused(SIGN_OFF, f"{who} rejects it", "Mend the version and validate it again.")
    conditions = msgspec.convert(sign_off.predicate.get("conditions", {}), Conditions)
    return Vote(sign_off.person.id, place, at, int(sign_off.predicate.get("round", 1)), conditions)


def _makers(validation: OpenedStatement, version: str) -> set[str]:
    developers = validation.fact("developers")
    if not isinstance(developers, list) or not developers:
        raise CouldNotVerifyError(
            f"the validation run of version {version} names no developers: nobody can be shown to be independent",
            remedy="Register the version with its developers and validate it again.",
            piece=SIGN_OFF,
        )
    return {*developers, *validation.predicate.get("makers", [])}


def require_accepted(opened: Sequence[OpenedStatement]) -> str:
    """Whoever accepted a version in an operator's place might: rule 2, and they did not make it. Says who did.

    Raises:
        CouldNotVerifyError: the delegation is not here, or no validation run says who made the version.
        IntegrityError: it did not allow it, or whoever accepted is named otherwise, or made the version.
    """
    told: list[str] = []
    for one in opened:
        if one.kind is not EvidenceKind.HAND_OFF or not delegation_of(one):
            continue
        version, who = str(one.fact("version")), one.person.id
        giver = _delegated(one, opened, ACCEPT, str(one.fact("use_case")))
        if one.fact("hand_off").get("operator") != who:
            raise refused(
                ACCEPT, f"the hand-off of version {version} is signed by {who} and names another", "Redo it."
            )
        runs = gate_runs(opened, version, Gate.VALIDATION)
        if not runs:
            raise CouldNotVerifyError(
                f"nothing says who made version {version}, so {who} may be one of them",
                remedy="Add its validation run.",
                piece=ACCEPT,
            )
        if any(who in _makers(run, version) for run in runs):
            raise refused(
                ACCEPT, f"{who} accepted version {version} for {giver} and made it", "Let somebody else accept it."
            )
        told.append(f"{who} for {giver}")
    return ", ".join(told)


def _delegated(signed: OpenedStatement, opened: Sequence[OpenedStatement], action: str, use_case: str) -> str:
    """In whose place somebody signed, when the delegation that the statement names allowed it then."""
    name, at = delegation_of(signed), signed.at
    said = [
        (o, msgspec.convert(o.fact("delegation"), Delegation)) for o in opened if o.kind is EvidenceKind.DELEGATION
    ]
    mine = [(o, d) for o, d in said if d.id == name]
    grants = [(o, d) for o, d in mine if d.revoked_at is None]
    if not grants:
        raise CouldNotVerifyError(
            f"missing: delegation {name[:80]} under which {signed.person.id} signed",
            remedy="Add its envelope; missing evidence is never a pass.",
            piece="delegation",
        )
    statement, grant = grants[0]
    revoked = min((d.revoked_at for _, d in mine if d.revoked_at is not None), default=None)
    wrong = {
        "was granted twice": len(grants) > 1,
        "is not what was signed": statement.subject != digest_of(granted(grant)),
        f"was not granted by {grant.giver}": statement.person.id != grant.giver,
        f"is of {grant.giver}, who may not do it themselves": not set(SIGNERS[signed.kind])
        & statement.person.held(statement.at),
        f"was given to {grant.taker}": grant.taker != signed.person.id,
        f"is for '{grant.action}'": grant.action != action,
        f"is for use case '{grant.use_case}'": grant.use_case not in ("", use_case),
        "had not begun": at < grant.created_at,
        "had ended": at >= grant.until,
        "was revoked": revoked is not None and at >= revoked,
        f"is of {grant.giver}, whose key did not count any more": _gone(statement, at),
        "was given to who may sign nothing": Role.AUDITOR in signed.person.roles,
    }
    why = next((reason for reason, holds in wrong.items() if holds), "")
    if why:
        raise _not_delegated(signed.person.id, name, why)
    return grant.giver


def _gone(statement: OpenedStatement, at: datetime) -> bool:
    return statement.person.valid_until is not None and at > statement.person.valid_until


def _not_delegated(person: str, name: str, why: str) -> IntegrityError:
    return refused(
        "delegation",
        f"{person} signed under delegation {name[:80]}, which {why}",
        "Let them sign themselves, or give a delegation that covers it.",
        person=person,
    )
