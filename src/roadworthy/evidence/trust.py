"""The trust root: whose keys count, and what their owners may sign.

It travels apart from the documents it judges (a file the operator installs, or a copy inside an offline bundle
that is then compared with it): evidence never brings its own trust.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from roadworthy.domain.errors import CouldNotVerifyError, shortlist
from roadworthy.domain.trust import Person
from roadworthy.evidence.canonical import canonical, parse_canonical, to_json


@dataclass(frozen=True)
class TrustRoot:
    """The people whose signatures count. A person may be listed once per key (rotation keeps the old one).

    Raises:
        CouldNotVerifyError: one key id stands for two people or two keys: nobody could tell who signed.
    """

    people: tuple[Person, ...]

    def __post_init__(self) -> None:
        """Refuse a key id that is listed twice."""
        keys = [p.key_id for p in self.people if p.key_id]
        twice = sorted({k for k in keys if keys.count(k) > 1})
        if twice:
            raise CouldNotVerifyError(
                f"the trust root lists key id {shortlist(twice)} more than once",
                remedy="List each key once, under the one person it belongs to.",
                piece="trust root",
            )

    def person_of(self, key_id: str) -> Person:
        """Who a key belongs to.

        Raises:
            CouldNotVerifyError: no such key is trusted here.
        """
        for person in self.people:
            if key_id and person.key_id == key_id:
                return person
        raise CouldNotVerifyError(
            f"key id '{key_id[:80]}' is not in the trust root",
            remedy="Add the signer's public key to the trust root if you trust them.",
            key_id=key_id[:80],
        )


def encode_trust(trust: TrustRoot) -> bytes:
    """The trust root as canonical JSON: public keys only."""
    return canonical(to_json(trust))


def decode_trust(data: bytes) -> TrustRoot:
    """The trust root from its canonical JSON.

    Raises:
        CouldNotVerifyError: not canonical JSON, or not of this shape; names the field.
    """
    value = parse_canonical(data, "the trust root")
    try:
        return msgspec.convert(value, TrustRoot)
    except msgspec.ValidationError as error:
        raise CouldNotVerifyError(
            f"the trust root does not have the expected shape: {error}",
            remedy="Export it again with a matching version of Roadworthy.",
            piece="trust root",
        ) from error
