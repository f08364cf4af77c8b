"""Access policies: putting one in force, asking who may do what and why, and running expectations against it."""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from roadworthy.domain.errors import ConflictError, NotFoundError, SettingError, UnavailableError
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.ports import Policy, Transaction
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.trust import Person, PolicyRevision, Role, Ruling
from roadworthy.domain.use_case import UseCase
from roadworthy.evidence.digest import sha256
from roadworthy.services.facts import facts_of
from roadworthy.services.house import House

MAX_DIFF_LINES = 200
"""Of a change of the policy, so many lines go into the change record; the whole text is kept as a revision."""

MAX_EXPECTATIONS = 10_000

_TAKING_UP = threading.Lock()

_EXPECTATION = re.compile(
    r"(?:expect:\s*)?(?P<person>\S+)\s+(?P<action>\S+)(?:\s+(?P<object>\S+))?\s*->\s*(?P<verdict>allow|deny)"
    r"(?:\s+because\s+(?P<because>\S+))?"
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of an expectation file: who asks for what about what, and what must come out (and why, if said)."""

    line: int
    person: str
    action: str
    about: str
    allowed: bool
    because: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """An expectation, what came out, and whether that is what was expected."""

    expected: Expectation
    ruling: Ruling
    holds: bool


def set_policy(house: House, actor: Person, text: str, source: str, reason: str = "") -> PolicyRevision:
    """Put other rules in force, now and after every restart; the change record gets the difference.

    Raises:
        SettingError: it does not parse or uses a word the schema does not know; names the line. The old rules stay.
        ConflictError: under these rules nobody active could put others in force.
    """
    house.allow(actor, "manage-policy")
    candidate = house.policy.checked(text, source)
    with house.store.begin() as tx:
        # Another administrator may have put other rules in force since this one was let in.
        before = _stored(house, tx)
        replace(house, policy=before).allow(actor, "manage-policy")
        able = [p for p in tx.of(Person).find() if p.active and candidate.permits(p, "manage-policy", {})]
        if not able:
            raise ConflictError(
                f"under {source} nobody could ever change the rules again",
                remedy="Permit `manage-policy` to a role that somebody active holds.",
                field="policy",
            )
        revision = PolicyRevision(
            id=f"policy-{tx.of(PolicyRevision).count() + 1}",
            digest=sha256(text.encode()),
            text=text,
            source=source,
            actor=actor.id,
            created_at=house.clock.now(),
        )
        tx.of(PolicyRevision).add(revision)
        changed = difference(before.text, text, before.source, source)
        facts = {"digest": revision.digest, "diff": changed[:MAX_DIFF_LINES], "lines": len(changed)}
        house.record(tx, actor.id, "policy-set", revision.id, reason, facts)
    take_up_policy(house)
    return revision


def take_up_policy(house: House) -> None:
    """Put in force here what was put in force last, by whichever process: run at start and before each request.

    Raises:
        UnavailableError: this version's vocabulary does not know those rules; nobody is let in under other ones.
    """
    if _in_force(house, _newest(house)):
        return
    # Read again with nobody else replacing: of two that take up at once, neither puts back what the other replaced.
    with _TAKING_UP:
        newest = _newest(house)
        if newest is None:
            return
        try:
            house.policy.replace(newest.text, newest.source)
        except SettingError as problem:
            raise UnavailableError(
                f"the rules in force ({newest.id}) are not known to this version of Roadworthy: {problem.what}",
                remedy="Upgrade this process, or put other rules in force from one that knows them.",
                policy=newest.id,
            ) from problem


def _newest(house: House) -> PolicyRevision | None:
    with house.store.read() as tx:
        return _newest_in(tx)


def _newest_in(tx: Transaction) -> PolicyRevision | None:
    return next(iter(tx.of(PolicyRevision).find(newest_first=True, limit=1)), None)


def _in_force(house: House, revision: PolicyRevision | None) -> bool:
    known = (house.policy.text, house.policy.source)
    return revision is None or known == (revision.text, revision.source)


def _stored(house: House, tx: Transaction) -> Policy:
    """The rules put in force last, as this transaction sees them; the shipped ones when nobody ever did."""
    newest = _newest_in(tx)
    if newest is None or _in_force(house, newest):
        return house.policy
    return house.policy.checked(newest.text, newest.source)


def difference(old: str, new: str, old_name: str, new_name: str) -> list[str]:
    """What changed, as lines of a unified diff."""
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="", n=1))


def matrix(policy: Policy) -> dict[str, dict[str, bool]]:
    """Action -> role -> whether a rule permits it, of the work of others and of things of one's own."""
    facts = {"developers": ["somebody else"], "owner": "somebody"}
    return {
        action: {r.value: policy.permits(Person("somebody", (r,), "", ""), action, facts) for r in Role}
        for action in policy.actions
    }


def ruling(house: House, policy: Policy, person: str, action: str, about: str = "") -> Ruling:
    """Whether somebody may do something, and the rules that decide it.

    Args:
        house: whose people and objects are meant.
        policy: the rules to ask: those in force, or a candidate.
        person: a name.
        action: one of the policy's actions.
        about: a version, use case or endpoint; empty = nothing in particular.

    Raises:
        NotFoundError: no such person or object.
        SettingError: no such action.
    """
    who = house.person(person)
    if not who.active:
        return Ruling(False, ("deactivated",))
    return policy.explain(who, action, facts_about(house, about))


def facts_about(house: House, about: str) -> Mapping[str, Any]:
    """What the policy knows of a version, a use case or an endpoint, whichever has this name.

    Raises:
        NotFoundError: none of them has.
    """
    if about in ("", "-"):
        return {}
    for kind, name in ((ModelVersion, "version"), (UseCase, "use_case"), (Endpoint, "endpoint")):
        try:
            with house.store.read() as tx:
                tx.of(kind).get(about)
        except NotFoundError:
            continue
        return facts_of(house, **{name: about})
    raise NotFoundError(
        f"there is no version, use case or endpoint '{about}'", remedy="Name one that is registered.", name=about
    )


def read_expectations(text: str) -> list[Expectation]:
    """Expectations, one a line: `vera sign-off offers:1 -> deny because independent-sign-off`.

    A line may begin with `expect:`; empty lines and what follows `#` are left out.

    Raises:
        SettingError: a line that does not read so; names it.
    """
    found: list[Expectation] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        match = _EXPECTATION.fullmatch(line)
        if match is None or len(found) >= MAX_EXPECTATIONS:
            raise SettingError(
                f"line {number}: {line[:100]!r} is no expectation",
                remedy="Write: PERSON ACTION [OBJECT] -> allow|deny [because RULE].",
                field="expectations",
                line=number,
            )
        found.append(
            Expectation(
                line=number,
                person=match["person"],
                action=match["action"],
                about=match["object"] or "",
                allowed=match["verdict"] == "allow",
                because=match["because"] or "",
            )
        )
    return found


def run_expectations(house: House, policy: Policy, expectations: list[Expectation]) -> list[Met]:
    """What comes out for every expectation, and whether it is what was expected. Raises as `ruling`."""
    met: list[Met] = []
    for one in expectations:
        found = ruling(house, policy, one.person, one.action, one.about)
        holds = found.allowed is one.allowed and (not one.because or one.because in found.because)
        met.append(Met(one, found, holds))
    return met
