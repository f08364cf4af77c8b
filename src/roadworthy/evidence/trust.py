"""The trust root: whose keys count, and what their owners may sign.

It travels apart from the documents it judges (a file the operator installs, or a copy inside an offline bundle
that is then compared with it): evidence never brings its own trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError, shortlist
from roadworthy.domain.trust import FormerKey, Person
from roadworthy.evidence.canonical import canonical, parse_canonical, to_json
from roadworthy.evidence.digest import digest_json

FORMAT = "roadworthy.trust/2"

TRUST = "root"
"""The name under which the trust root is published for gateways."""


@dataclass(frozen=True)
class TrustRoot:
    """The people whose signatures count, each with the key of today and the keys of before.

    A person may also be listed once per key.

    Raises:
        CouldNotVerifyError: one key id stands for two people or two keys: nobody could tell who signed.
    """

    people: tuple[Person, ...]

    def __post_init__(self) -> None:
        """Refuse a key id that is listed twice."""
        keys = [p.key_id for p in self.holders()]
        twice = sorted({k for k in keys if keys.count(k) > 1})
        if twice:
            raise CouldNotVerifyError(
                f"the trust root lists key id {shortlist(twice)} more than once",
                remedy="List each key once, under the one person it belongs to.",
                piece="trust root",
            )

    def holders(self) -> Iterator[Person]:
        """One entry per key: the person as the owner of that key, with its validity."""
        for person in self.people:
            if person.key_id:
                yield person
            for old in person.former:
                yield replace(
                    person,
                    key_id=old.key_id,
                    public_key=old.public_key,
                    valid_from=old.valid_from,
                    valid_until=old.valid_until,
                    former=(),
                )

    def former(self, key_id: str) -> FormerKey | None:
        """What is known of a key that is its owner's no more, or None."""
        return next((old for person in self.people for old in person.former if old.key_id == key_id), None)

    def person_of(self, key_id: str) -> Person:
        """Who a key belongs to.

        Raises:
            CouldNotVerifyError: no such key is trusted here.
        """
        for person in self.holders():
            if key_id and person.key_id == key_id:
                return person
        raise CouldNotVerifyError(
            f"key id '{key_id[:80]}' is not in the trust root",
            remedy="Add the signer's public key to the trust root if you trust them.",
            key_id=key_id[:80],
        )


def encode_trust(trust: TrustRoot) -> bytes:
    """The trust root as canonical JSON: public keys only, and a digest by which damage shows.

    The digest protects nobody against whoever can write the file: a trust root is as safe as its place.
    """
    people = to_json(trust.people)
    return canonical({"format": FORMAT, "people": people, "digest": digest_json(people)})


def decode_trust(data: bytes) -> TrustRoot:
    """The trust root from its canonical JSON.

    Raises:
        CouldNotVerifyError: not canonical JSON, of another format, damaged, or not of this shape; names the field.
    """
    value = parse_canonical(data, "the trust root")
    stated = value.get("format") if isinstance(value, dict) else None
    if stated != FORMAT:
        raise _unreadable(f"its format is {str(stated)[:80]!r}, allowed is '{FORMAT}'")
    try:
        trust = TrustRoot(msgspec.convert(value.get("people"), tuple[Person, ...]))
    except msgspec.ValidationError as error:
        raise _unreadable(str(error)[:300]) from error
    if encode_trust(trust) != data:
        raise _unreadable("it was damaged (its digest does not fit), or has fields this version does not know")
    return trust


def _unreadable(why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the trust root cannot be read: {why}",
        remedy="Export it again with a matching version of Roadworthy.",
        piece="trust root",
    )
