"""Signed envelopes: DSSE v1 around in-toto Statements, one signature each.

One statement signed once has exactly one text: the envelope is canonical JSON, its base64 is standard and padded.
So its SHA-256 can name it, and no byte of it can change without being noticed.

References:
    DSSE v1.0 protocol and JSON envelope (secure-systems-lab/dsse); RFC 8032 (Ed25519).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # public, but not marked as re-exported
    Signature,
    SSlibKey,
)

from roadworthy.domain.errors import CouldNotVerifyError, DataError, ExpiredSignatureError, SignatureWrongError
from roadworthy.domain.ports import Signer
from roadworthy.domain.trust import Evidence, EvidenceKind, FormerKey, Person
from roadworthy.evidence.canonical import canonical, check_size, parse_canonical
from roadworthy.evidence.digest import sha256
from roadworthy.evidence.predicates import check_predicate
from roadworthy.evidence.statements import Statement, check_statement, kind_of
from roadworthy.evidence.trust import TrustRoot

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 8 * 2**20
"""The largest envelope that is signed or read: a gate run with every finding has some hundred kilobytes."""

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of the verifier's clock a statement may be dated; clocks that keep time by NTP differ by less."""


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
    def at(self) -> datetime:
        """When it was signed, as it says."""
        return msgspec.convert(self.predicate["at"], datetime)

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
        DataError: the statement holds what JSON cannot carry (NaN, infinity), naming the place; or is larger than
            anybody would read.
    """
    payload = canonical(statement)
    signature = signer.sign(pae(payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()}],
    }
    sealed = canonical(envelope)
    if len(sealed) > MAX_ENVELOPE_BYTES:
        raise DataError(
            f"the signed statement would have {len(sealed):,} bytes, allowed are {MAX_ENVELOPE_BYTES:,}",
            remedy="Keep tables out of findings' details; name them by their digest.",
            bytes=len(sealed),
        )
    return sealed.decode()


def evidence_id(envelope: str) -> str:
    """The id of an envelope: the SHA-256 of its text."""
    return sha256(envelope.encode())


def make_evidence(statement: Statement, signer: Signer, *, person: str, now: datetime) -> Evidence:
    """Seal a statement and wrap it as the entity that is stored. `person` is the id of who signs.

    Raises:
        CouldNotVerifyError: its predicate does not fit its shape: nobody could open it again, so it is not signed.
        DataError: see `seal`.
    """
    check_predicate(kind_of(statement), statement["predicate"])
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


def open_envelope(text: str, trust: TrustRoot, *, now: datetime | None) -> OpenedStatement:
    """The statement in an envelope, after its signature was checked against the trust root.

    The payload is not parsed before the signature holds.

    Args:
        text: the envelope's JSON text.
        trust: whose keys count, and from when to when.
        now: the verifier's time, UTC; None = there is no clock to trust, and a date in the future is let through.

    Raises:
        SignatureWrongError: the key is trusted and the signature does not match the bytes.
        ExpiredSignatureError: it matches, and the statement's own time is outside the key's validity, or at a time at
            which the key was in other hands. That is wrong and not unknown: the trust root says positively that the
            key did not count then.
        CouldNotVerifyError: the envelope is too large or malformed (names what), the key is unknown or unreadable,
            the payload is no statement this version understands (names the field), it is dated more than
            `MAX_CLOCK_SKEW` after `now`, or before its key was compromised without a proof that it is that old.
            Neither right nor wrong.
    """
    envelope = _read_envelope(text)
    signature = envelope.signatures[0]
    payload = _decode_base64(envelope.payload, "payload")
    person = trust.person_of(signature.keyid)
    _check_signature(person, _decode_base64(signature.sig, "sig"), pae(payload, envelope.payload_type))
    statement = check_statement(parse_canonical(payload, "the signed payload"))
    check_predicate(kind_of(statement), statement["predicate"])
    opened = OpenedStatement(statement, person, signature.keyid, evidence_id(text))
    _check_time(statement, person, now)
    _check_compromise(opened, trust.former(signature.keyid))
    return opened


def key_of(text: str) -> str:
    """The id of the key an envelope says it is signed with, unverified. Raises CouldNotVerifyError."""
    return _read_envelope(text).signatures[0].keyid


def is_void(text: str, trust: TrustRoot) -> bool:
    """Whether an envelope counts for nothing because its key was compromised: whatever it says, it is no contradiction.

    Raises:
        CouldNotVerifyError: it is too large or malformed.
    """
    key = trust.former(key_of(text))
    return key is not None and key.compromised_since is not None and evidence_id(text) not in key.proven


def claimed_kind(text: str) -> str:
    """What an envelope says it is, unverified: to name it in a refusal, never to believe it."""
    found = re.search(r'"payload":"([A-Za-z0-9+/]*)', text[:MAX_ENVELOPE_BYTES])
    payload = found[1] if found else ""
    try:
        plain = base64.b64decode(payload[: len(payload) // 4 * 4])
    except ValueError:
        plain = b""
    said = re.search(rb'"predicateType":"[^"]{0,60}/([a-z-]{1,40})/v', plain)
    return said[1].decode() if said else "unreadable"


def _check_time(statement: Statement, person: Person, now: datetime | None) -> None:
    kind, at = kind_of(statement).value, msgspec.convert(statement["predicate"]["at"], datetime)
    early = person.valid_from is not None and at < person.valid_from
    late = person.valid_until is not None and at > person.valid_until
    if early or late:
        bound = person.valid_from if early else person.valid_until
        raise ExpiredSignatureError(
            f"expired signature: {person.id} signed the {kind} statement at {_stamp(at)}, and their key"
            f" {person.key_id[:12]}... counts only {'from' if early else 'until'} {_stamp(bound)}",
            remedy="Let somebody sign it again with a key that is valid now.",
            piece=kind,
            person=person.id,
            key_id=person.key_id,
        )
    if now is not None and at - now > MAX_CLOCK_SKEW:
        raise CouldNotVerifyError(
            f"the {kind} statement of {person.id} is dated {_stamp(at)}, and here it is {_stamp(now)}: more than"
            f" {MAX_CLOCK_SKEW.total_seconds() / 60:g} minutes ahead",
            remedy="Set the clocks of signer and verifier (NTP), then verify again.",
            piece=kind,
        )


def _check_compromise(opened: OpenedStatement, key: FormerKey | None) -> None:
    """What a compromised key signed counts only when it is proven to be older than the compromise."""
    if key is None or key.compromised_since is None:
        return
    kind, who, since = opened.kind.value, opened.person.id, _stamp(key.compromised_since)
    at = opened.at
    about = {"piece": kind, "person": who, "key_id": key.key_id}
    if at >= key.compromised_since:
        raise ExpiredSignatureError(
            f"revoked key: the {kind} statement of {who} is of {_stamp(at)}, and their key {key.key_id[:12]}... counts"
            f" as compromised since {since}",
            remedy="Let them sign it again with their new key.",
            **about,
        )
    if opened.id not in key.proven:
        raise CouldNotVerifyError(
            f"the key {key.key_id[:12]}... of {who} counts as compromised since {since}, and nothing proves that this"
            f" {kind} statement is as old as it says ({_stamp(at)})",
            remedy="Let them sign it again with their new key.",
            **about,
        )


def _stamp(moment: datetime | None) -> str:
    return "ever" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_envelope(text: str) -> _Envelope:
    check_size(len(text), "the envelope", MAX_ENVELOPE_BYTES)  # characters: at most as many as bytes
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise _malformed("its text is not Unicode") from error
    try:
        envelope = msgspec.convert(parse_canonical(data, "the envelope", MAX_ENVELOPE_BYTES), _Envelope)
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
