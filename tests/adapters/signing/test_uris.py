"""Keys by URI: files with and without a passphrase, a key service over HTTP, and a third party's own scheme."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey
from moto.server import ThreadedMotoServer

from roadworthy.adapters.clock import SimulatedClock
from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.adapters.signing import uris
from roadworthy.adapters.signing.configured import ConfiguredKeyring, open_keyring
from roadworthy.adapters.signing.files import FileKeyring
from roadworthy.adapters.signing.uris import KeyEntry, open_signer
from roadworthy.apps.building import open_house
from roadworthy.apps.settings import Settings
from roadworthy.domain.errors import (
    AlreadyExistsError,
    ConflictError,
    RoadworthyError,
    SettingError,
    UnavailableError,
)
from roadworthy.domain.trust import Change, Person, Role
from roadworthy.evidence.envelope import open_envelope, seal
from roadworthy.evidence.statements import checkpoint_statement
from roadworthy.evidence.trust import TrustRoot
from roadworthy.services.access.keys import rotate_key
from roadworthy.services.house import PLATFORM
from roadworthy.services.watch.verify import checkpoint, verify_against

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "correct horse battery staple"
KINDS: dict[str, Any] = {
    "ed25519": Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


def write_key(path: Path, key: Any, secret: str = "", mode: int = 0o600) -> Path:
    how: KeySerializationEncryption = BestAvailableEncryption(secret.encode()) if secret else NoEncryption()
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    return path


def write_public(path: Path, public: Any) -> str:
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path.name


def holds(signer: Any) -> bool:
    """Whether evidence it signs opens with its public half alone, as gateways and auditors open it."""
    link = Change(1, NOW, "a", "b", "c", "", "", "0" * 64)
    envelope = seal(checkpoint_statement(link, reason="a test", now=NOW), signer)
    person = Person(PLATFORM, (Role.PLATFORM,), signer.key_id, signer.public_key)
    return open_envelope(envelope, TrustRoot((person,)), now=NOW).key_id == signer.key_id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secret", ["", SECRET], ids=["plain", "with a passphrase"])
def test_a_key_file_of_every_kind_signs_evidence_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, secret: str
) -> None:
    write_key(tmp_path / "k.pem", KINDS[kind](), secret)
    monkeypatch.setenv("KEY_SECRET", secret)
    entry = KeyEntry("vera", "file:k.pem", tmp_path, secret_env="KEY_SECRET" if secret else "")
    assert holds(open_signer(entry))


def test_a_passphrase_may_lie_in_a_file_only_its_owner_reads(tmp_path: Path) -> None:
    write_key(tmp_path / "k.pem", KINDS["ed25519"](), SECRET)
    (tmp_path / "secret").write_text(SECRET + "\n")
    entry = KeyEntry("vera", "file:k.pem", tmp_path, secret_file="secret")
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingError, match="'secret' has mode 0644: others can read it"):
        open_signer(entry)
    (tmp_path / "secret").chmod(0o600)
    assert holds(open_signer(entry))


def test_a_key_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", write_key(tmp_path / "k.pem", KINDS["ed25519"]()).read_text())
    assert holds(open_signer(KeyEntry("vera", "env:SIGNING_KEY", tmp_path)))


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"uri": "file:absent.pem"}, "'absent.pem' cannot be read"),
        ({"uri": "file:locked.pem"}, "the passphrase does not fit"),
        ({"uri": "file:locked.pem", "secret_env": "WRONG_SECRET"}, "the passphrase does not fit"),
        ({"uri": "file:locked.pem", "secret_env": "UNSET_SECRET"}, "UNSET_SECRET is not set"),
        ({"uri": "file:open.pem"}, "has mode 0644"),
        ({"uri": "file:plain.pem", "public_key": "other.pub"}, "public half of another key"),
        ({"uri": "file:plain.pem", "public_key": "plain.pem"}, "`public_key` cannot be read"),
        ({"uri": "env:UNSET_KEY"}, "is not set"),
        ({"uri": "smoke:signal"}, "there is no scheme 'smoke:'"),
        ({"uri": "awskms:some"}, "it has no `public_key`"),
        ({"uri": "gcpkms:projects/p", "public_key": "other.pub"}, "cannot be used"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_no_secret_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: dict[str, str], said: str
) -> None:
    key = KINDS["ed25519"]()
    write_key(tmp_path / "plain.pem", key)
    write_key(tmp_path / "locked.pem", key, SECRET)
    write_key(tmp_path / "open.pem", key, mode=0o644)
    write_public(tmp_path / "other.pub", KINDS["ed25519"]().public_key())
    monkeypatch.setenv("WRONG_SECRET", "wrong " + SECRET)
    with pytest.raises(SettingError, match=r"the key of 'vera' in keys\.toml") as refused:
        open_signer(KeyEntry(person="vera", root=tmp_path, **about))
    told = f"{refused.value} {refused.value.fields} {refused.value.__cause__}"
    assert said in told
    assert SECRET not in told


def mend_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test server hashes a message once more although it is told that it is a digest; the real service does not."""

    def ecdsa(self: ECDSAPrivateKey, message: bytes, _: str) -> bytes:
        return bytes(self.private_key.sign(message, ec.ECDSA(Prehashed(SHA256()))))

    def pss(self: RSAPrivateKey, message: bytes, _: str) -> bytes:
        return bytes(self.private_key.sign(message, PSS(MGF1(SHA256()), 32), Prehashed(SHA256())))

    monkeypatch.setattr(ECDSAPrivateKey, "sign", ecdsa)
    monkeypatch.setattr(RSAPrivateKey, "sign", pss)


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    mend_digests(monkeypatch)
    yield boto3.client("kms")
    server.stop()


def kms_key(kms: Any, folder: Path, name: str, spec: str = "ECC_NIST_P256") -> dict[str, str]:
    """A key in the service, and what keys.toml says of it."""
    made = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = load_der_public_key(kms.get_public_key(KeyId=made)["PublicKey"])
    return {"uri": f"awskms:{made}", "public_key": write_public(folder / f"{name}.pub.pem", public)}


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "RSA_2048"])
def test_a_key_service_signs_evidence_that_verifies_without_it(kms: Any, tmp_path: Path, spec: str) -> None:
    assert holds(open_signer(KeyEntry(person="vera", root=tmp_path, **kms_key(kms, tmp_path, "k", spec))))


def test_a_key_service_that_signs_with_another_key_gives_out_no_signature(kms: Any, tmp_path: Path) -> None:
    named = kms_key(kms, tmp_path, "k")
    write_public(tmp_path / named["public_key"], KINDS["ecdsa"]().public_key())
    with pytest.raises(SettingError, match="signs with another key than `public_key` says"):
        open_signer(KeyEntry(person="vera", root=tmp_path, **named)).sign(b"x")


def test_a_key_service_that_refuses_is_unavailable_and_the_key_is_named(kms: Any, tmp_path: Path) -> None:
    named = kms_key(kms, tmp_path, "k")
    signer = open_signer(KeyEntry("vera", "awskms:absent", tmp_path, named["public_key"]))
    with pytest.raises(UnavailableError, match=r"the key of 'vera' in keys.toml \(awskms:absent\) does not sign"):
        signer.sign(b"x")


ACME = """
import pathlib

from securesystemslib.signer import CryptoSigner


class AcmeSigner(CryptoSigner):
    SCHEME = "acme"

    @classmethod
    def from_priv_key_uri(cls, uri, public_key, secrets_handler=None):
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = pathlib.Path(uri.removeprefix("acme:")).read_bytes()
        return cls(load_pem_private_key(pem, secrets_handler("PIN").encode()), public_key)
"""


def test_a_third_partys_signer_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    (site / "acme_signer-1.0.dist-info").mkdir(parents=True)
    (site / "acme_signer.py").write_text(ACME)
    (site / "acme_signer-1.0.dist-info" / "METADATA").write_text("Name: acme-signer\nVersion: 1.0\n")
    (site / "acme_signer-1.0.dist-info" / "entry_points.txt").write_text(
        "[roadworthy.signers]\nacme = acme_signer:AcmeSigner\n"
    )
    monkeypatch.syspath_prepend(str(site))
    uris._third_party.cache_clear()
    key = KINDS["ed25519"]()
    path = write_key(tmp_path / "k.pem", key, SECRET)
    monkeypatch.setenv("ACME_PIN", SECRET)
    public = write_public(tmp_path / "k.pub", key.public_key())
    assert holds(open_signer(KeyEntry("vera", f"acme:{path}", tmp_path, public, "ACME_PIN")))
    uris._third_party.cache_clear()
    sys.modules.pop("acme_signer")


def write_toml(root: Path, *tables: tuple[str, dict[str, str]]) -> None:
    lines = [f"[[{name}]]\n" + "".join(f"{k} = '{v}'\n" for k, v in table.items()) for name, table in tables]
    (root / "keys.toml").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vera = 3", "'vera': it is no table"),
        ("vera = [3]", "'vera': it is no table"),
        ("[vera]\npath = 'x'", "`path` is not one of its fields"),
        ("[vera]\nuri = 3", "`uri` is not one of its fields, or no text"),
        ("[vera]\nsecret_env = 'X'", "it has no `uri`"),
        ("[vera", "keys.toml cannot be read"),
    ],
)
def test_a_keys_file_of_another_shape_is_refused_by_person_and_field(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "keys.toml").write_text(text)
    with pytest.raises(SettingError, match=r"keys\.toml") as refused:
        open_keyring(tmp_path / "keys", tmp_path)
    assert said in str(refused.value)


def test_a_configured_key_is_used_once_and_the_next_one_must_be_named(tmp_path: Path) -> None:
    entries = [{"uri": f"file:{write_key(tmp_path / f'{n}.pem', KINDS['ed25519']()).name}"} for n in "ab"]
    write_toml(tmp_path, ("vera", entries[0]))
    keyring = open_keyring(tmp_path / "keys", tmp_path)
    first = keyring.create("vera")
    assert keyring.signer("vera").key_id == keyring.signer("vera", first.key_id).key_id == first.key_id
    with pytest.raises(AlreadyExistsError):
        keyring.create("vera")
    with pytest.raises(ConflictError, match="not used yet"):
        keyring.renew("vera")
    write_toml(tmp_path, *(("vera", e) for e in entries))
    keyring = open_keyring(tmp_path / "keys", tmp_path)
    second = keyring.renew("vera")
    assert set(keyring.public_keys("vera")) == {first.key_id, second.key_id}
    keyring.retire("vera", first.key_id)
    assert keyring.create("dan").key_id in keyring.public_keys("dan")
    assert not any("PRIVATE" in p.read_text() for p in (tmp_path / "keys").iterdir() if p.name.startswith("vera"))


def test_the_platforms_key_moves_from_the_folder_into_a_key_service(kms: Any, tmp_path: Path) -> None:
    settings, clock = Settings(workspace=tmp_path), SimulatedClock(NOW)
    opened = open_house(settings, clock, InlineEngine())
    former = opened.house.person(PLATFORM).key_id
    opened.close()
    write_toml(tmp_path, (PLATFORM, kms_key(kms, tmp_path, "platform")))
    opened = open_house(settings, clock, InlineEngine())
    house = opened.house
    rotated = rotate_key(house, house.person("admin"), PLATFORM, "into the key service")
    assert rotated.former[0].key_id == former
    checkpoint(house, "signed by the service")
    assert verify_against(house).open_links == 0
    assert not [p for p in (tmp_path / "keys").iterdir() if p.name.startswith(PLATFORM) and p.suffix == ".pem"]
    opened.close()


def test_a_workspace_may_begin_with_keys_of_its_own_choice_and_one_that_fails_founds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_key(tmp_path / "p.pem", KINDS["ed25519"](), SECRET)
    write_toml(tmp_path, (PLATFORM, {"uri": "file:p.pem", "secret_env": "PLATFORM_SECRET"}))
    settings = Settings(workspace=tmp_path)
    with pytest.raises(RoadworthyError, match="PLATFORM_SECRET is not set"):
        open_house(settings, SimulatedClock(NOW), InlineEngine())
    monkeypatch.setenv("PLATFORM_SECRET", SECRET)
    opened = open_house(settings, SimulatedClock(NOW), InlineEngine())
    checkpoint(opened.house, "first")
    assert verify_against(opened.house).open_links == 0
    opened.close()
    assert SECRET not in "".join(p.read_text(errors="ignore") for p in tmp_path.rglob("*") if p.is_file())


def test_without_a_keys_file_everything_is_as_in_the_folder(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path / "keys", tmp_path)
    made = keyring.create("vera")
    assert FileKeyring(tmp_path / "keys").signer("vera").key_id == made.key_id
    assert isinstance(keyring, ConfiguredKeyring)
    assert os.listdir(tmp_path / "keys") == ["vera.pem"]
