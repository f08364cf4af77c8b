"""The keyring on disk: who can read it, and what a crash or a full disk leaves."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from securesystemslib.signer import CryptoSigner

from roadworthy.adapters.signing import FileKeyring
from roadworthy.domain.errors import AlreadyExistsError, NotFoundError, SettingError, StorageUnavailableError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


def test_only_the_owner_can_read_folder_and_key(folder):
    old = os.umask(0)
    try:
        FileKeyring(folder).create("val")
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "val.pem").stat().st_mode) == 0o600


def test_a_key_outlives_the_keyring_that_made_it(folder):
    made = FileKeyring(folder).create("val")
    assert FileKeyring(folder).signer("val").sign(b"x") == made.sign(b"x")


def test_a_key_made_by_securesystemslib_is_usable_with_the_same_key_id(folder):
    keyring, theirs = FileKeyring(folder), CryptoSigner.generate_ed25519()
    (folder / "partner.pem").write_bytes(theirs.private_bytes)
    (folder / "partner.pem").chmod(0o600)
    assert keyring.signer("partner").key_id == theirs.public_key.keyid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_others_can_read_is_refused(folder, mode):
    keyring = FileKeyring(folder)
    keyring.create("val")
    (folder / "val.pem").chmod(mode)
    with pytest.raises(SettingError, match="others can read it"):
        keyring.signer("val")


UNUSABLE = {
    "empty": b"",
    "text": b"hello",
    "another kind": CryptoSigner.generate_ecdsa().private_bytes,
    "cut": CryptoSigner.generate_ed25519().private_bytes[:60],
}


@pytest.mark.parametrize("data", UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_is_no_ed25519_key_is_refused_by_name(folder, data):
    keyring = FileKeyring(folder)
    (folder / "val.pem").write_bytes(data)
    (folder / "val.pem").chmod(0o600)
    with pytest.raises(SettingError, match=r"val\.pem cannot be used"):
        keyring.signer("val")


@pytest.mark.parametrize("person", ["", "x" * 201, "é" * 40], ids=["empty", "long", "long when escaped"])
def test_a_person_id_that_cannot_name_a_file_is_refused(folder, person):
    with pytest.raises(SettingError, match="cannot name a key"):
        FileKeyring(folder).create(person)


@pytest.mark.parametrize("person", ["..", "../../etc/x", "/root", "a\x00b", ".hidden", "con", "\ud800"])
def test_no_person_id_leads_outside_the_folder_or_hides(folder, person):
    FileKeyring(folder).create(person)
    (made,) = folder.iterdir()
    assert made.suffix == ".pem"
    assert not made.name.startswith(".")


def test_of_many_who_create_one_key_at_once_exactly_one_succeeds(folder):
    keyring = FileKeyring(folder)

    def create(_):
        try:
            return keyring.create("val").key_id
        except AlreadyExistsError:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [k for k in pool.map(create, range(32)) if k]
    assert made == [keyring.signer("val").key_id]
    assert [p.name for p in folder.iterdir()] == ["val.pem"]


def test_a_failed_write_leaves_nothing_behind(folder, monkeypatch):
    keyring = FileKeyring(folder)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnavailableError, match="No space left"):
        keyring.create("val")
    assert list(folder.iterdir()) == []
    with pytest.raises(NotFoundError):
        keyring.signer("val")


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailableError, match="keyring cannot use"):
        FileKeyring(tmp_path / "file" / "keys")


def test_a_key_file_that_is_a_folder_is_reported(folder):
    keyring = FileKeyring(folder)
    (folder / "val.pem").mkdir()
    with pytest.raises(StorageUnavailableError):
        keyring.signer("val")
    with pytest.raises(AlreadyExistsError):
        keyring.create("val")


def test_the_signer_does_not_print_its_key(folder):
    signer = FileKeyring(folder).create("val")
    assert repr(signer) == f"Ed25519Signer({signer.key_id[:12]})"


def test_a_rotation_leaves_no_private_half_of_the_former_key_on_disk(folder):
    keyring = FileKeyring(folder)
    first, second = keyring.create("val"), keyring.renew("val")
    keyring.retire("val", first.key_id)
    texts = {p.name: p.read_text() for p in folder.iterdir()}
    assert sorted(texts) == sorted([f"val.{first.key_id}.pub", f"val.{second.key_id}.pem"])
    assert "PRIVATE" not in texts[f"val.{first.key_id}.pub"]


def test_a_crash_between_keeping_the_public_half_and_removing_the_private_one_is_made_good(folder):
    keyring = FileKeyring(folder)
    key = keyring.create("val")
    (folder / f"val.{key.key_id}.pub").write_text(key.public_key)
    keyring.retire("val", key.key_id)
    assert keyring.public_keys("val") == {key.key_id: key.public_key}
    assert not (folder / "val.pem").exists()
