"""Signed checkpoints of the change record: what makes its past hold against whoever can write the database.

Links by themselves show edits, deletions and exchanges only while nobody computes new digests. A checkpoint is
signed, so what lies before it cannot be rewritten by anybody without the platform's key. What is after the newest
checkpoint, and the removal of links together with the checkpoints about them, show only against a checkpoint that
is kept elsewhere (a bundle, a file of the auditor's).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from roadworthy.domain.errors import ChainBrokenError, CouldNotVerifyError
from roadworthy.domain.trust import Change, EvidenceKind
from roadworthy.evidence.chain import broken, check_link, verify_chain
from roadworthy.evidence.envelope import OpenedStatement, is_void
from roadworthy.evidence.licence import guarded, open_all, refused
from roadworthy.evidence.trust import TrustRoot


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """Number and digest of the record's newest link at some time, from a statement whose signature held."""

    seq: int
    digest: str
    at: str
    id: str


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What verifying a record showed: its links, the checkpoints that agree, and how many links those cover."""

    links: int
    checkpoints: int
    covered: int

    @property
    def open_links(self) -> int:
        """The newest links, which no signed checkpoint covers yet."""
        return self.links - self.covered


def open_checkpoints(
    envelopes: Sequence[str], trust: TrustRoot, *, now: datetime | None
) -> tuple[SignedCheckpoint, ...]:
    """The checkpoints in these envelopes, each signed by the platform; one that does not open refuses them all.

    Those under a key that was compromised, and not proven to be older than that, count for nothing and are left out.

    Raises:
        IntegrityError: or one of its kinds, see `envelope.open_envelope`; or an envelope is no checkpoint.
    """
    standing = tuple(text for text in dict.fromkeys(envelopes) if not is_void(text, trust))
    return tuple(checkpoint_in(o) for o in open_all(standing, trust, now=now))


def checkpoint_in(opened: OpenedStatement) -> SignedCheckpoint:
    """The checkpoint an opened statement is. Raises IntegrityError."""
    kind = EvidenceKind.CHECKPOINT
    if opened.kind is not kind:
        raise refused(kind.value, f"a {opened.kind.value} statement is no checkpoint", "Give a signed checkpoint.")
    with guarded(kind.value):
        seq, digest = int(opened.fact("seq")), str(opened.fact("digest"))
        if opened.subject != digest:
            raise refused(kind.value, f"the checkpoint of link {seq} is about another digest", "Get it again.")
        return SignedCheckpoint(seq, digest, str(opened.fact("at")), opened.id)


def verify_record(
    changes: Sequence[Change], checkpoints: Iterable[SignedCheckpoint], *, every: int = 0
) -> RecordReport:
    """The whole record is as it was written, as far as its own links and all signed checkpoints can tell.

    Args:
        changes: all links, in order.
        checkpoints: every signed checkpoint there is, kept with the record or elsewhere.
        every: at most so many of the newest links may be without a checkpoint; 0 = any number.

    Raises:
        ChainBrokenError: `kind` as in `verify_chain`, or `truncated` (a signed link is beyond the end), `forked`
            (two signed checkpoints belong to different histories) or `rewritten` (the links are consistent, and
            not the ones that were signed); `seq` is the first link concerned.
        CouldNotVerifyError: more than `every` of the newest links are under no checkpoint: the ones about them
            were never made, or taken away.
    """
    verify_chain(changes)
    known = sorted(checkpoints, key=lambda c: c.seq)
    _refuse_two_histories(known)
    for one in known:
        if one.seq > len(changes):
            raise broken(
                "truncated",
                len(changes) + 1,
                f"it ends at link {len(changes)}, and link {one.seq} was signed on {one.at}",
            )
    _refuse_rewritten(changes, known)
    covered = known[-1].seq if known else 0
    if every and len(changes) - covered > every:
        raise CouldNotVerifyError(
            f"links {covered + 1} to {len(changes)} of the change record are under no signed checkpoint, and one is"
            f" made at least every {every} links",
            remedy="Look for the missing checkpoints in a bundle or a file (`--against`); without them these links"
            " may have been rewritten.",
            piece="checkpoint",
            seq=covered + 1,
        )
    return RecordReport(len(changes), len(known), covered)


def verify_excerpt(changes: Sequence[Change], known: Sequence[SignedCheckpoint]) -> None:
    """Some links of a record are as they were written, as far as they and the checkpoints can tell.

    Raises:
        ChainBrokenError: `edited`, `reordered`, `forked` or `rewritten`, as in `verify_record`.
    """
    for before, change in zip((None, *changes), changes, strict=False):
        check_link(change)
        _check_follows(before, change)
    signed = {c.seq: c for c in known}
    for change in changes:
        if change.seq in signed and signed[change.seq].digest != change.digest:
            raise ChainBrokenError(
                f"link {change.seq} is not the one that was signed on {signed[change.seq].at}",
                remedy="Export the bundle again, from a record that verifies.",
                kind="rewritten",
                seq=change.seq,
            )


def _check_follows(before: Change | None, change: Change) -> None:
    """Two links of an excerpt: in order, and joined when they are neighbours."""
    if before is None:
        return
    if change.seq <= before.seq or (change.seq == before.seq + 1 and change.previous != before.digest):
        raise ChainBrokenError(
            f"link {change.seq} does not follow link {before.seq}",
            remedy="Export the bundle again, from a record that verifies.",
            kind="reordered" if change.seq < before.seq else "forked",
            seq=change.seq,
        )


def _refuse_two_histories(known: Sequence[SignedCheckpoint]) -> None:
    for one, other in pairwise(known):
        if one.seq == other.seq and one.digest != other.digest:
            raise broken(
                "forked",
                one.seq,
                f"two signed checkpoints of link {one.seq} (of {one.at} and {other.at}) name different digests:"
                " there are two histories",
            )


def _refuse_rewritten(changes: Sequence[Change], known: Sequence[SignedCheckpoint]) -> None:
    agrees = [changes[c.seq - 1].digest == c.digest for c in known]
    if all(agrees):
        return
    first = agrees.index(False)
    start = known[first - 1].seq + 1 if first else 1
    if any(agrees[first:]):
        raise broken(
            "forked",
            start,
            f"link {known[first].seq} was signed on {known[first].at} with another digest, while a later signed"
            " checkpoint agrees with the record: there are two histories",
        )
    raise broken(
        "rewritten",
        start,
        f"links {start} to {known[first].seq} follow one another and are not the ones that were signed on"
        f" {known[first].at}",
    )
