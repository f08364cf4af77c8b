"""All errors of Roadworthy, one tree.

    RoadworthyError
    |-- InputError              what the caller gave cannot be used           (exit 2, HTTP 422)
    |   |-- DataError           a data file or its columns
    |   |-- ArtifactError       a model artifact
    |   |-- PlaybookError       a playbook file: line, key, allowed values
    |   |-- ExpressionError     a KPI expression
    |   |-- SettingError        a setting or an option
    |   `-- TooLargeError       more bytes than are taken                 (HTTP 413)
    |-- NotFoundError           the named object does not exist               (exit 3, HTTP 404)
    |-- ConflictError           the object is not in a state for this         (exit 4, HTTP 409)
    |   |-- IllegalTransitionError
    |   |-- AlreadyExistsError
    |   `-- LostUpdateError     somebody else changed it first
    |-- UnauthenticatedError    it is not proven who is asking                (exit 13, HTTP 401)
    |-- RefusedError            the rules say no                              (exit 5, HTTP 403)
    |   |-- NotAllowedError     the actor's role does not permit it
    |   |-- NotIndependentError a developer may not judge their own version
    |   `-- NotLicensedError    no version in force is approved for this row
    |-- IntegrityError          the evidence does not hold                    (exit 6, HTTP 409)
    |   |-- SignatureWrongError the signature does not match the bytes
    |   |-- ExpiredSignatureError signed before or after the key was valid
    |   |-- DigestMismatchError the bytes are not the ones that were signed
    |   |-- ChainBrokenError    the change record was edited, cut or reordered
    |   `-- CouldNotVerifyError no key, no file: neither right nor wrong
    |-- ModelError              the model itself misbehaved                   (exit 7, HTTP 502)
    |   |-- ModelRaisedError
    |   `-- BadOutputError      NaN, out of range, or the wrong shape
    `-- UnavailableError        the world did not cooperate                   (exit 8, HTTP 503)
        |-- StorageUnavailableError  disk full, read-only folder, database gone
        |-- PortInUseError
        |-- MissingExtraError   an optional library is not installed
        `-- ThrottledError      too many requests, or too many wrong tokens (HTTP 429)

Every error names the object, the offending field and what is allowed or what to do next. `code` is stable;
exit codes and HTTP statuses are mapped once, at the edge (`web/edge.py`, `cli/exits.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


def shortlist(names: Sequence[str], limit: int = 8) -> str:
    """At most `limit` names, then how many more: messages stay bounded."""
    shown = ", ".join(names[:limit])
    rest = len(names) - limit
    return f"{shown} ... and {rest} more" if rest > 0 else shown


class RoadworthyError(Exception):
    """Base of all. `what` says what happened, `remedy` what to do next, `fields` the facts by name."""

    code: ClassVar[str] = "error"

    def __init__(self, what: str, *, remedy: str, **fields: object) -> None:
        super().__init__(f"{what.rstrip('.')}. {remedy}")
        self.what = what
        self.remedy = remedy
        self.fields = fields


class InputError(RoadworthyError):
    """What the caller gave cannot be used."""

    code = "input"


class DataError(InputError):
    """A data file, its columns or its values."""

    code = "data"


class ArtifactError(InputError):
    """A model artifact that is not admitted, or is not what it claims."""

    code = "artifact"


class PlaybookError(InputError):
    """A playbook file; `fields` has `line`, `key` and `allowed`."""

    code = "playbook"


class ExpressionError(InputError):
    """A KPI expression that does not parse, or names an unknown column."""

    code = "expression"


class SettingError(InputError):
    """A setting, an option or a parameter outside its range."""

    code = "setting"


class TooLargeError(InputError):
    """A request with more bytes than are taken; `fields` has `allowed`."""

    code = "too-large"


class NotFoundError(RoadworthyError):
    """The named object does not exist."""

    code = "not-found"


class ConflictError(RoadworthyError):
    """The object is not in a state for this."""

    code = "conflict"


class IllegalTransitionError(ConflictError):
    """The life cycle has no such step from here."""

    code = "illegal-transition"


class AlreadyExistsError(ConflictError):
    """An object with this identity is recorded already."""

    code = "already-exists"


class LostUpdateError(ConflictError):
    """Somebody else changed the object between reading and writing it."""

    code = "lost-update"


class UnauthenticatedError(RoadworthyError):
    """It is not proven who asks: no token or session, or one that is wrong, expired or revoked."""

    code = "unauthenticated"


class RefusedError(RoadworthyError):
    """The rules say no."""

    code = "refused"


class NotAllowedError(RefusedError):
    """The actor's roles do not permit this action."""

    code = "not-allowed"


class NotIndependentError(RefusedError):
    """A developer may not judge their own version."""

    code = "not-independent"


class NotLicensedError(RefusedError):
    """No version in force is approved for a row; names column, value and what is allowed."""

    code = "not-licensed"


class IntegrityError(RoadworthyError):
    """The evidence does not hold."""

    code = "integrity"


class SignatureWrongError(IntegrityError):
    """The signature was checked and does not match the bytes."""

    code = "signature-wrong"


class ExpiredSignatureError(IntegrityError):
    """The signature matches, and its key did not count at the time the statement gives."""

    code = "expired-signature"


class DigestMismatchError(IntegrityError):
    """The bytes are not the ones that were signed."""

    code = "digest-mismatch"


class ChainBrokenError(IntegrityError):
    """The change record was edited, cut or reordered."""

    code = "chain-broken"


class CouldNotVerifyError(IntegrityError):
    """Neither right nor wrong: the key or the file needed for the check is not here."""

    code = "could-not-verify"


class ModelError(RoadworthyError):
    """The model itself misbehaved."""

    code = "model"


class ModelRaisedError(ModelError):
    """The model raised while predicting."""

    code = "model-raised"


class BadOutputError(ModelError):
    """The model answered NaN, out of range, or the wrong shape."""

    code = "bad-output"


class UnavailableError(RoadworthyError):
    """The world did not cooperate."""

    code = "unavailable"


class StorageUnavailableError(UnavailableError):
    """Disk full, read-only folder, database gone."""

    code = "storage-unavailable"


class PortInUseError(UnavailableError):
    """Another process listens on that port."""

    code = "port-in-use"


class MissingExtraError(UnavailableError):
    """An optional library is needed and not installed."""

    code = "missing-extra"


class ThrottledError(UnavailableError):
    """Too many requests, or too many wrong tokens, in too short a time; `fields` has `retry_after_s`."""

    code = "throttled"
