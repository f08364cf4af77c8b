"""The trust root: who a key belongs to, and its JSON form."""

import pytest

from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.trust import Person, Role
from roadworthy.evidence.trust import TrustRoot, decode_trust, encode_trust


def test_a_key_id_leads_to_its_owner(world):
    for person in world.trust.people:
        assert world.trust.person_of(person.key_id) == person


@pytest.mark.parametrize("key_id", ["", "0" * 64])
def test_an_unknown_key_could_not_be_verified_rather_than_being_wrong(world, key_id):
    with pytest.raises(CouldNotVerifyError, match="not in the trust root"):
        world.trust.person_of(key_id)


def test_a_person_without_a_key_is_nobody_s_signature():
    trust = TrustRoot((Person("a", (Role.AUDITOR,), "", ""), Person("b", (Role.AUDITOR,), "", "")))
    with pytest.raises(CouldNotVerifyError):
        trust.person_of("")


def test_one_key_for_two_people_is_refused(world):
    key = world.trust.people[0].key_id
    with pytest.raises(CouldNotVerifyError, match="more than once"):
        TrustRoot((*world.trust.people, Person("impostor", (Role.VALIDATOR,), key, "")))


def test_a_person_may_keep_an_old_key_beside_a_new_one(world):
    old, new = world.keyring.signer("val"), world.keyring.signer("ops")
    trust = TrustRoot(tuple(Person("val", (Role.VALIDATOR,), k.key_id, k.public_key) for k in (old, new)))
    assert trust.person_of(old.key_id).id == trust.person_of(new.key_id).id == "val"


def test_the_trust_root_survives_its_json_form(world):
    assert decode_trust(encode_trust(world.trust)) == world.trust
    assert b"PRIVATE" not in encode_trust(world.trust)


def test_one_flipped_bit_anywhere_in_the_trust_root_is_refused(world):
    data = encode_trust(world.trust)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(CouldNotVerifyError, match="trust root"):
            decode_trust(bytes(changed))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"people":[{"id":"a"}]}',
        b'{"people":[{"id":"a","key_id":"","public_key":"","roles":["king"]}]}',
    ],
    ids=["empty", "not an object", "missing fields", "unknown role"],
)
def test_a_malformed_trust_root_could_not_be_verified(data):
    with pytest.raises(CouldNotVerifyError, match="trust root"):
        decode_trust(data)
