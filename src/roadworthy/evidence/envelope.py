"""Signed envelopes: DSSE v1 around in-toto Statements, one signature each.

One statement signed once has exactly one text: the envelope is canonical JSON, its base64 is standard and padded.
So its SHA-256 can name it, and no byte of it can change without being noticed.

References:
    DSSE v1.0 protocol and JSON envelope (secure-systems-lab/dsse); RFC 8032 (Ed25519).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # public, but not marked as re-exported
    Signature,
    SSlibKey,
)

from roadworthy.domain.errors import CouldNotVerifyError, SignatureWrongError
from roadworthy.domain.ports import Signer
from roadworthy.domain.trust import Evidence, EvidenceKind, Person
from roadworthy.evidence.canonical import canonical, parse_canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.statements import Statement, check_statement, kind_of
from roadworthy.evidence.trust import TrustRoot

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True)
class OpenedStatement:
    """A statement whose signature was checked, who signed it, and the envelope's id (SHA-256 of its text)."""

    statement: Statement
    person: Person
    key_id: str
    id: str

    @property
    def kind(self) -> EvidenceKind:
        """Which kind of evidence it is."""
        return kind_of(self.statement)

    @property
    def subject(self) -> str:
        """The SHA-256 the statement is about."""
        return str(self.statement["subject"][0]["digest"]["sha256"])

    @property
    def predicate(self) -> dict[str, Any]:
        """What it says of the subject."""
        predicate: dict[str, Any] = self.statement["predicate"]
        return predicate

    def fact(self, name: str) -> Any:
        """One field of the predicate.

        Raises:
            CouldNotVerifyError: the predicate has no such field.
        """
        if name not in self.predicate:
            raise CouldNotVerifyError(
                f"the {self.kind.value} statement signed by {self.person.id} does not state `{name}`",
                remedy="Sign it again with a matching version of Roadworthy.",
                piece=self.kind.value,
                field=name,
            )
        return self.predicate[name]


class _SignatureField(msgspec.Struct, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(msgspec.Struct, forbid_unknown_fields=True, rename={"payload_type": "payloadType"}):
    payload: str
    payload_type: str
    signatures: tuple[_SignatureField, ...]


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The bytes a DSSE signature is over: Pre-Authentication Encoding.

    Example (from the DSSE protocol document):
        >>> pae(b"hello world", "http://example.com/HelloWorld")
        b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(statement: Statement, signer: Signer) -> str:
    """The statement, signed: the envelope's JSON text.

    Raises:
        DataError: the statement holds what JSON cannot carry (NaN, infinity); names the place.
    """
    payload = canonical(statement)
    signature = signer.sign(pae(payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()}],
    }
    return canonical(envelope).decode()


def evidence_id(envelope: str) -> str:
    """The id of an envelope: the SHA-256 of its text."""
    return sha256(envelope.encode())


def make_evidence(statement: Statement, signer: Signer, *, person: str, now: datetime) -> Evidence:
    """Seal a statement and wrap it as the entity that is stored. `person` is the id of who signs."""
    text = seal(statement, signer)
    return Evidence(
        id=evidence_id(text),
        kind=kind_of(statement),
        subject=statement["subject"][0]["digest"]["sha256"],
        version=str(statement["predicate"].get("version", "")),
        signer=person,
        envelope=text,
        created_at=now,
    )


def open_envelope(text: str, trust: TrustRoot) -> OpenedStatement:
    """The statement in an envelope, after its signature was checked against the trust root.

    The payload is not parsed before the signature holds.

    Raises:
        SignatureWrongError: the key is trusted and the signature does not match the bytes.
        CouldNotVerifyError: the envelope is malformed (names what), the key is unknown or unreadable, or the
            payload is no statement this version understands. Neither right nor wrong.
    """
    envelope = _read_envelope(text)
    signature = envelope.signatures[0]
    payload = _decode_base64(envelope.payload, "payload")
    person = trust.person_of(signature.keyid)
    _check_signature(person, _decode_base64(signature.sig, "sig"), pae(payload, envelope.payload_type))
    statement = check_statement(parse_canonical(payload, "the signed payload"))
    return OpenedStatement(statement, person, signature.keyid, evidence_id(text))


def _read_envelope(text: str) -> _Envelope:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise _malformed("its text is not Unicode") from error
    try:
        envelope = msgspec.convert(parse_canonical(data, "the envelope"), _Envelope)
    except msgspec.ValidationError as error:
        raise _malformed(str(error)) from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise _malformed(f"`payloadType` is '{envelope.payload_type[:80]}', allowed is '{PAYLOAD_TYPE}'")
    if len(envelope.signatures) != 1:
        raise _malformed(f"it has {len(envelope.signatures)} signatures, expected exactly one")
    return envelope


def _decode_base64(text: str, field: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _malformed(f"`{field}` is not base64: {error}") from error
    if base64.b64encode(data).decode() != text:
        raise _malformed(f"`{field}` is not in the one standard base64 form")
    return data


def _check_signature(person: Person, signature: bytes, message: bytes) -> None:
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(person.public_key.encode()), person.key_id)
        key.verify_signature(Signature(person.key_id, signature.hex()), message)
    except (ValueError, UnsupportedAlgorithm, VerificationError) as error:
        raise CouldNotVerifyError(
            f"the public key of {person.id} in the trust root cannot be used: {error}",
            remedy="Repair the trust root: `public_key` is PEM text.",
            key_id=person.key_id,
        ) from error
    except UnverifiedSignatureError as error:
        raise SignatureWrongError(
            f"the signature of {person.id} (key {person.key_id}) does not match the signed bytes",
            remedy="The evidence was altered or signed with another key: get it again from its source.",
            key_id=person.key_id,
            person=person.id,
        ) from error


def _malformed(why: str) -> CouldNotVerifyError:
    return CouldNotVerifyError(
        f"the envelope is malformed: {why[:300]}", remedy="Get it again from its source.", piece="envelope"
    )
