"""Envelopes against securesystemslib's own DSSE implementation, and everything that may not open."""

import base64
import json
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from roadworthy.adapters.signing import MemoryKeyring
from roadworthy.domain.errors import CouldNotVerifyError, DataError, ExpiredSignatureError, SignatureWrongError
from roadworthy.domain.gate import Gate
from roadworthy.domain.trust import EvidenceKind, FormerKey, Person, Role
from roadworthy.evidence.bundle import decode_bundle
from roadworthy.evidence.canonical import canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.envelope import (
    MAX_CLOCK_SKEW,
    PAYLOAD_TYPE,
    evidence_id,
    make_evidence,
    open_envelope,
    pae,
    seal,
)
from roadworthy.evidence.served import decode_served
from roadworthy.evidence.statements import contract_statement
from roadworthy.evidence.trust import TrustRoot, decode_trust


@pytest.fixture(scope="module")
def text(world):
    return world.contract()


def altered(text, **changes):
    return canonical({**json.loads(text), **changes}).decode()


def key_of(person):
    return SSlibKey.from_crypto(load_pem_public_key(person.public_key.encode()), person.key_id)


def test_the_bytes_signed_are_those_of_the_dsse_protocol_document():
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae(b"hello world", "http://example.com/HelloWorld") == expected


def test_what_was_sealed_opens_to_the_same_statement_and_names_its_signer(world, text):
    opened = open_envelope(text, world.trust, now=None)
    statement = contract_statement(world.CONTRACT, person="owner", now=world.NOW)
    assert canonical(opened.statement) == canonical(statement)
    assert (opened.person.id, opened.kind) == ("owner", EvidenceKind.KPI_CONTRACT)
    assert opened.id == evidence_id(text) == sha256(text.encode())


def test_securesystemslib_verifies_our_envelope(world, text):
    envelope = Envelope.from_dict(json.loads(text))
    owner = world.trust.person_of(world.keyring.signer("owner").key_id)
    assert envelope.payload_type == PAYLOAD_TYPE
    assert list(envelope.verify([key_of(owner)], 1)) == [owner.key_id]
    with pytest.raises(VerificationError):
        Envelope(envelope.payload + b" ", envelope.payload_type, envelope.signatures).verify([key_of(owner)], 1)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_we_open_what_securesystemslib_sealed(world, kind):
    signer = getattr(CryptoSigner, f"generate_{kind}")()
    pem = signer.public_key._crypto_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    trust = TrustRoot((Person("partner", (Role.BUSINESS_OWNER,), signer.public_key.keyid, pem),))
    payload = canonical(contract_statement(world.CONTRACT, person="partner", now=world.NOW))
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    opened = open_envelope(canonical(envelope.to_dict()).decode(), trust, now=None)
    assert opened.person.id == "partner"


def test_the_stored_entity_names_kind_subject_version_and_signer(world):
    run = open_envelope(world.gate_run(Gate.VALIDATION), world.trust, now=None)
    signer = world.keyring.signer("platform")
    evidence = make_evidence(run.statement, signer, person="platform", now=world.NOW)
    assert (evidence.kind, evidence.version, evidence.signer) == (EvidenceKind.GATE_RUN, "deposit-1", "platform")
    assert evidence.subject == sha256(world.ARTIFACT)
    assert evidence.id == sha256(evidence.envelope.encode())


def test_another_payload_under_the_same_signature_is_wrong(world, text):
    payload = base64.b64decode(json.loads(text)["payload"]).replace(b'"target":0.4', b'"target":0.1')
    with pytest.raises(SignatureWrongError, match="does not match"):
        open_envelope(altered(text, payload=base64.b64encode(payload).decode()), world.trust, now=None)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65])
def test_a_signature_of_other_bytes_or_length_is_wrong(world, text, length):
    (signature,) = json.loads(text)["signatures"]
    signature["sig"] = base64.b64encode(b"\x01" * length).decode()
    with pytest.raises(SignatureWrongError):
        open_envelope(altered(text, signatures=[signature]), world.trust, now=None)


def test_claiming_somebody_else_s_key_is_wrong(world, text):
    (signature,) = json.loads(text)["signatures"]
    signature["keyid"] = world.keyring.signer("val").key_id
    with pytest.raises(SignatureWrongError, match="val"):
        open_envelope(altered(text, signatures=[signature]), world.trust, now=None)


def test_an_unknown_key_could_not_be_verified(world, text):
    stranger = TrustRoot(tuple(p for p in world.trust.people if p.id != "owner"))
    with pytest.raises(CouldNotVerifyError, match="not in the trust root"):
        open_envelope(text, stranger, now=None)


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_an_unreadable_key_in_the_trust_root_could_not_be_verified(world, text, pem):
    owner = world.trust.person_of(world.keyring.signer("owner").key_id)
    with pytest.raises(CouldNotVerifyError, match="public key of owner"):
        open_envelope(text, TrustRoot((Person("owner", owner.roles, owner.key_id, pem),)), now=None)


MALFORMED = {
    "no JSON": lambda t: t[:-1],
    "not an object": lambda _: "[]",
    "a space": lambda t: t.replace(",", ", ", 1),
    "half a surrogate pair": lambda t: t + "\ud800",
    "an unknown field": lambda t: altered(t, comment="x"),
    "another payload type": lambda t: altered(t, payloadType="text/plain"),
    "no payload": lambda t: canonical({k: v for k, v in json.loads(t).items() if k != "payload"}).decode(),
    "payload is a number": lambda t: altered(t, payload=1),
    "payload is not base64": lambda t: altered(t, payload="@@@@"),
    "payload is not ASCII": lambda t: altered(t, payload="éééé"),
    "no signature": lambda t: altered(t, signatures=[]),
    "two signatures": lambda t: altered(t, signatures=json.loads(t)["signatures"] * 2),
    "a signature without key id": lambda t: altered(t, signatures=[{"sig": json.loads(t)["signatures"][0]["sig"]}]),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_envelope_could_not_be_verified_and_says_what(world, text, change):
    with pytest.raises(CouldNotVerifyError, match="envelope is"):
        open_envelope(change(text), world.trust, now=None)


def test_base64_has_one_spelling_so_the_id_of_an_envelope_is_unique(world):
    payload = b"not a multiple of three!!"
    text = base64.b64encode(payload).decode()
    assert text.endswith("=")
    spelled_differently = text[:-3] + chr(ord(text[-3]) + 1) + text[-2:]
    assert base64.b64decode(spelled_differently) == payload
    with pytest.raises(CouldNotVerifyError, match="one standard base64 form"):
        open_envelope(altered(world.contract(), payload=spelled_differently), world.trust, now=None)


def test_a_signed_payload_that_is_no_statement_could_not_be_verified(world):
    with pytest.raises(CouldNotVerifyError, match="not an in-toto Statement"):
        open_envelope(world.sign({"hello": "world"}, "ops"), world.trust, now=None)


def test_a_fact_the_predicate_does_not_state_could_not_be_verified(world, text):
    with pytest.raises(CouldNotVerifyError, match="does not state `verdict`"):
        open_envelope(text, world.trust, now=None).fact("verdict")


def valid(world, name, *, since=None, until=None):
    """The trust root in which one person's key counts only from or until a time."""
    people = (replace(p, valid_from=since, valid_until=until) if p.id == name else p for p in world.trust.people)
    return TrustRoot(tuple(people))


def test_a_signature_counts_up_to_the_last_moment_of_its_key_and_not_after(world, text):
    tick = timedelta(microseconds=1)
    open_envelope(text, valid(world, "owner", since=world.NOW, until=world.NOW), now=None)
    with pytest.raises(ExpiredSignatureError, match=r"expired signature: owner .* only until 2026-03-01T09:29:59"):
        open_envelope(text, valid(world, "owner", until=world.NOW - tick), now=None)
    with pytest.raises(ExpiredSignatureError, match=r"only from 2026-03-01T09:30:00.000001Z"):
        open_envelope(text, valid(world, "owner", since=world.NOW + tick), now=None)


def test_what_was_signed_with_a_former_key_stands_and_what_is_signed_with_it_now_does_not(world):
    keyring = MemoryKeyring()
    old, new = keyring.create("before"), keyring.create("now")
    owner = Person("owner", (Role.BUSINESS_OWNER,), new.key_id, new.public_key, valid_from=world.NOW)
    former = FormerKey(old.key_id, old.public_key, None, world.NOW)
    trust = TrustRoot((replace(owner, former=(former,)),))
    for signer, moment in ((old, world.NOW - timedelta(days=1)), (new, world.NOW + timedelta(days=1))):
        sealed = seal(contract_statement(world.CONTRACT, person="owner", now=moment), signer)
        assert open_envelope(sealed, trust, now=None).person.id == "owner"
    late = seal(contract_statement(world.CONTRACT, person="owner", now=world.NOW + timedelta(days=1)), old)
    with pytest.raises(ExpiredSignatureError):
        open_envelope(late, trust, now=None)


def test_a_statement_from_the_future_could_not_be_verified_and_both_times_are_named(world, text):
    open_envelope(text, world.trust, now=world.NOW - MAX_CLOCK_SKEW)
    with pytest.raises(CouldNotVerifyError, match=r"2026-03-01T09:30:00Z.*2026-03-01T09:24:59Z.*5 minutes"):
        open_envelope(text, world.trust, now=world.NOW - MAX_CLOCK_SKEW - timedelta(seconds=1))


@pytest.mark.parametrize("generate", ["ecdsa", "rsa", "ed25519"])
def test_an_expired_key_of_any_kind_is_expired_and_not_wrong(world, generate):
    signer = getattr(CryptoSigner, f"generate_{generate}")()
    pem = signer.public_key._crypto_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    person = Person("partner", (Role.BUSINESS_OWNER,), signer.public_key.keyid, pem, valid_until=world.NOW)
    envelope = Envelope(
        canonical(contract_statement(world.CONTRACT, person="partner", now=world.NOW + timedelta(days=1))),
        PAYLOAD_TYPE,
        {},
    )
    envelope.sign(signer)
    with pytest.raises(ExpiredSignatureError):
        open_envelope(canonical(envelope.to_dict()).decode(), TrustRoot((person,)), now=None)


HUGE = 100 * 2**20


def test_a_hundred_megabytes_are_refused_by_their_size_and_cost_no_memory(world):
    text = "x" * HUGE
    tracemalloc.start()
    with pytest.raises(CouldNotVerifyError, match="104,857,600 bytes"):
        open_envelope(text, world.trust, now=None)
    data = text.encode()
    before = tracemalloc.get_traced_memory()[0]
    for decode in (decode_served, decode_bundle, decode_trust):
        with pytest.raises(CouldNotVerifyError, match="more than the 67,108,864"):
            decode(data)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 2**20
    assert after - before < 2**20


def test_a_predicate_too_large_to_be_read_again_is_not_signed(world):
    statement = contract_statement(world.CONTRACT, person="owner", now=world.NOW)
    statement["predicate"]["contract"]["value"] = "1" * HUGE
    with pytest.raises(DataError, match="allowed are 8,388,608"):
        world.sign(statement, "owner")
