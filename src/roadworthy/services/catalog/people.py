"""People: who may act here, with which roles, and the key each signs with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roadworthy.domain.errors import AlreadyExistsError, ConflictError, SettingError
from roadworthy.domain.trust import Person, Role
from roadworthy.services.house import PLATFORM, House, need_reason, refuse_existing
from roadworthy.services.serve.publish import publish_trust


def read_roles(names: Sequence[str]) -> tuple[Role, ...]:
    """Roles from their names.

    Raises:
        SettingError: an unknown role, or the platform's own, which no person can hold.
    """
    allowed = [r.value for r in Role if r is not Role.PLATFORM]
    for name in names:
        if name not in allowed:
            raise SettingError(f"there is no role '{name}'", remedy=f"Allowed: {', '.join(allowed)}.", role=name)
    return tuple(Role(name) for name in names)


def found(house: House, administrator: str) -> Person:
    """Make the platform and its first administrator: once, when the installation is new.

    Raises:
        SettingError: a name no person can have.
    """
    _check_name(administrator)
    with house.store.read() as tx:
        if tx.of(Person).count():
            return tx.of(Person).get(administrator)
    # Before the transaction: a key of another service is tried, and that takes as long as it takes.
    platform = _make(house, PLATFORM, (Role.PLATFORM,))
    first = _make(house, administrator, (Role.ADMINISTRATOR,))
    with house.store.begin() as tx:
        if tx.of(Person).count():
            return tx.of(Person).get(administrator)
        tx.of(Person).add(platform)
        tx.of(Person).add(first)
        house.record(tx, PLATFORM, "installation-founded", administrator, "first administrator")
    return first


def add_person(house: House, actor: Person, name: str, roles: Sequence[str]) -> Person:
    """Add a person with their roles and a fresh signing key."""
    house.allow(actor, "manage-people")
    _check_name(name)
    held = read_roles(roles)
    with house.store.read() as tx:
        refuse_existing(_known(tx.of(Person).find(), name), "person", name, "Choose another name.")
    person = _make(house, name, held)  # before the transaction, as above
    with house.store.begin() as tx:
        refuse_existing(_known(tx.of(Person).find(), name), "person", name, "Choose another name.")
        tx.of(Person).add(person)
        house.record(tx, actor.id, "person-added", name, facts={"roles": [r.value for r in held]})
    publish_trust(house)
    return person


def deactivate_person(house: House, actor: Person, name: str, reason: str) -> Person:
    """From now on this person may do nothing, and nothing they sign counts. What they signed before stands.

    There is no way back under the same key, as it may be in other hands: `reactivate_person` gives another. Nobody
    deactivates themselves, so that an active administrator is always left.

    Raises:
        SettingError: no reason.
        ConflictError: the platform, oneself, or somebody who is deactivated already.
    """
    house.allow(actor, "manage-people", {"owner": name})
    need_reason(f"{name} is deactivated", reason)
    with house.store.begin() as tx:
        person = tx.of(Person).get(name)
        if name in (PLATFORM, actor.id):
            raise ConflictError(
                f"{actor.id} cannot deactivate {name}",
                remedy="The platform stays, and another administrator deactivates an administrator.",
                name=name,
            )
        if not person.active:
            raise ConflictError(f"{name} is deactivated already", remedy="Nothing is left to do.", name=name)
        gone = replace(person, active=False, valid_until=house.clock.now())
        tx.of(Person).replace(person, gone)
        house.record(tx, actor.id, "person-deactivated", name, reason)
    publish_trust(house)
    return gone


def people(house: House) -> tuple[Person, ...]:
    """Everybody, the platform included."""
    with house.store.read() as tx:
        return tuple(tx.of(Person).find())


def _check_name(name: str) -> None:
    if not name.replace("-", "").replace(".", "").replace("@", "").isalnum() or name == PLATFORM:
        raise SettingError(
            f"'{name}' cannot name a person", remedy="Use letters, digits, '-', '.' and '@'.", name=name
        )


def _known(everybody: Sequence[Person], name: str) -> int:
    return sum(p.id == name for p in everybody)


def _make(house: House, name: str, roles: tuple[Role, ...]) -> Person:
    """A person nobody is yet, with their key. A key without a person is left over from a process that died here."""
    try:
        signer = house.keyring.create(name)
    except AlreadyExistsError:
        signer = house.keyring.signer(name)
    return Person(id=name, roles=roles, key_id=signer.key_id, public_key=signer.public_key)
