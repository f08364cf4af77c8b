"""What every keyring does, whatever it keeps its keys in."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from roadworthy.adapters.signing import ConfiguredKeyring, FileKeyring, MemoryKeyring
from roadworthy.domain.errors import AlreadyExistsError, ConflictError, NotFoundError

KEYRINGS = {
    "files": lambda folder: FileKeyring(folder / "keys"),
    "memory": lambda _: MemoryKeyring(),
    "configured": lambda folder: ConfiguredKeyring(FileKeyring(folder / "keys"), {}),
}
PEOPLE = ["val", "ana.lopez@example.com", "../escape", "a/b", "Zoë 张", ".", "-", "platform:1"]


@pytest.fixture(params=KEYRINGS.values(), ids=KEYRINGS)
def keyring(request, tmp_path):
    return request.param(tmp_path)


@pytest.mark.parametrize("person", PEOPLE)
def test_a_created_key_is_found_again_under_the_person(keyring, person):
    created = keyring.create(person)
    found = keyring.signer(person)
    assert (found.key_id, found.public_key) == (created.key_id, created.public_key)


def test_a_signature_verifies_with_the_public_half_and_only_over_the_same_bytes(keyring):
    signer = keyring.create("val")
    public = load_pem_public_key(signer.public_key.encode())
    public.verify(signer.sign(b"payload"), b"payload")
    with pytest.raises(InvalidSignature):
        public.verify(signer.sign(b"payload"), b"payloae")


def test_the_public_half_holds_no_private_key(keyring):
    assert "PRIVATE" not in keyring.create("val").public_key


def test_signing_the_same_bytes_twice_gives_the_same_signature(keyring):
    signer = keyring.create("val")
    assert signer.sign(b"x") == keyring.signer("val").sign(b"x")


def test_a_key_is_never_overwritten(keyring):
    first = keyring.create("val")
    with pytest.raises(AlreadyExistsError, match="val"):
        keyring.create("val")
    assert keyring.signer("val").key_id == first.key_id


def test_every_person_gets_another_key(keyring):
    assert len({keyring.create(person).key_id for person in PEOPLE}) == len(PEOPLE)


def test_an_unknown_person_has_no_key(keyring):
    with pytest.raises(NotFoundError, match="nobody"):
        keyring.signer("nobody")


@pytest.mark.parametrize("person", PEOPLE)
def test_a_renewed_key_is_another_one_and_both_are_found_by_their_ids(keyring, person):
    first, second = keyring.create(person), keyring.renew(person)
    assert first.key_id != second.key_id
    for made in (first, second):
        assert keyring.signer(person, made.key_id).sign(b"x") == made.sign(b"x")
    assert keyring.public_keys(person) == {k.key_id: k.public_key for k in (first, second)}
    with pytest.raises(ConflictError, match="2 keys"):
        keyring.signer(person)


def test_a_retired_key_signs_nothing_any_more_and_its_public_half_stays(keyring):
    first, second = keyring.create("val"), keyring.renew("val")
    for _ in range(2):
        keyring.retire("val", first.key_id)
    with pytest.raises(NotFoundError, match=first.key_id[:12]):
        keyring.signer("val", first.key_id)
    assert keyring.signer("val").key_id == second.key_id
    assert keyring.public_keys("val")[first.key_id] == first.public_key


def test_keys_of_one_person_are_nobody_elses(keyring):
    mine = keyring.create("val")
    keyring.create("val.2")
    keyring.renew("val.2")
    assert list(keyring.public_keys("val")) == [mine.key_id]
    with pytest.raises(NotFoundError, match="no key"):
        keyring.signer("val.2", mine.key_id)
    with pytest.raises(NotFoundError):
        keyring.retire("val.2", mine.key_id)
    assert keyring.public_keys("nobody") == {}
