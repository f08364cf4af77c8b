"""Which person an account of an identity provider is."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from roadworthy.domain.errors import NotFoundError, SettingError, UnauthenticatedError
from roadworthy.domain.ports import Transaction
from roadworthy.domain.trust import FormerRole, Identity, Login, Person, Role
from roadworthy.services.access.rules import AccessRules, lent_roles
from roadworthy.services.house import PLATFORM, House
from roadworthy.services.serve.publish import publish_trust

MAX_TEXT = 255
"""Longest issuer or subject; OpenID Connect allows a subject no more."""


def link_login(house: House, actor: Person, person: str, issuer: str, subject: str) -> Login:
    """From now on this account logs in as this person; a former link of the account is replaced.

    Raises:
        NotAllowedError: the actor does not manage people.
        NotFoundError: nobody has that name.
        SettingError: the platform, or an issuer or subject that cannot be one.
    """
    house.allow(actor, "manage-people", {"owner": person})
    for name, value in (("issuer", issuer), ("subject", subject)):
        if not value.strip() or len(value) > MAX_TEXT:
            raise SettingError(
                f"'{name}' is empty or too long", remedy=f"Give 1 to {MAX_TEXT} characters.", field=name
            )
    with house.store.begin() as tx:
        if Role.PLATFORM in tx.of(Person).get(person).roles:
            raise SettingError("nobody logs in as the platform", remedy="Name a person.", field="person")
        return _link(
            house, tx, actor.id, Login(login_id(issuer, subject), person, issuer, subject, house.clock.now())
        )


def logins(house: House) -> list[Login]:
    """Every link."""
    with house.store.read() as tx:
        return list(tx.of(Login).find())


def person_of(house: House, identity: Identity, rules: AccessRules) -> str:
    """The name of the person an account is.

    With the rule `oidc_by_email`, an account without a link whose provider vouches for its e-mail address is linked to
    the person whose name is that address.

    Raises:
        UnauthenticatedError: it is nobody's.
    """
    key = login_id(identity.issuer, identity.subject)
    with house.store.begin() as tx:
        try:
            return tx.of(Login).get(key).person
        except NotFoundError:
            found = _by_email(tx, identity) if rules.oidc_by_email else None
        if found is None or Role.PLATFORM in found.roles:
            raise UnauthenticatedError(
                f"account '{identity.subject[:MAX_TEXT]}' of {identity.issuer} is nobody here",
                remedy="An administrator links it: `POST /api/v1/logins` with this issuer and subject.",
                subject=identity.subject[:MAX_TEXT],
            )
        made = Login(key, found.id, identity.issuer, identity.subject, house.clock.now())
        return _link(house, tx, PLATFORM, made).person


def follow_groups(house: House, name: str, identity: Identity, rules: AccessRules) -> Person:
    """Lend a person the roles of their groups, and take back those whose group is gone; roles given here stay.

    What somebody signed in a role that is taken back stands. Without the rule `oidc_roles` every lent role is taken
    back.
    """
    by_group = lent_roles(rules.oidc_roles)
    mine = tuple(sorted({g for g in identity.groups if g in by_group}))
    wanted = {role for group in mine for role in by_group[group]}
    with house.store.begin() as tx:
        person = tx.of(Person).get(name)
        own = set(person.roles) - set(person.lent)
        lent = wanted - own
        if not person.active or lent == set(person.lent):
            return person
        now = house.clock.now()
        gone = tuple(FormerRole(role, now) for role in person.lent if role not in lent)
        followed = replace(
            person,
            roles=tuple(role for role in Role if role in own | lent),
            lent=tuple(role for role in Role if role in lent),
            former_roles=(*person.former_roles, *gone),
        )
        tx.of(Person).replace(person, followed)
        facts = {
            "issuer": identity.issuer,
            "groups": list(mine),
            "lent": [r.value for r in followed.lent],
            "taken back": [f.role.value for f in gone],
        }
        house.record(tx, PLATFORM, "roles-followed-groups", name, "at a login", facts)
    publish_trust(house)
    return followed


def login_id(issuer: str, subject: str) -> str:
    """SHA-256 of issuer and subject, 64 hex digits: one account of one provider."""
    return sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def _link(house: House, tx: Transaction, actor: str, made: Login) -> Login:
    kept = tx.of(Login)
    try:
        before = kept.get(made.id)
    except NotFoundError:
        kept.add(made)
    else:
        made = replace(before, person=made.person)
        kept.replace(before, made)
    house.record(tx, actor, "login-linked", made.person, facts={"issuer": made.issuer, "subject": made.subject})
    return made


def _by_email(tx: Transaction, identity: Identity) -> Person | None:
    if not identity.email or not identity.email_verified:
        return None
    try:
        return tx.of(Person).get(identity.email)
    except NotFoundError:
        return None
