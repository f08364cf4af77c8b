"""The change record as a hash chain: each link names the digest of the one before it.

Within the chain every edit shows. Cutting its end, or rewriting all of it, shows only against a checkpoint
(`checkpoints.py` has the signed ones).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from roadworthy.domain.errors import ChainBrokenError, DataError
from roadworthy.domain.trust import Change
from roadworthy.evidence.canonical import to_json
from roadworthy.evidence.digest import digest_json


@dataclass(frozen=True)
class Checkpoint:
    """Where the chain stood: the sequence number and digest of its newest link at some time."""

    seq: int
    digest: str


def checkpoint_of(change: Change) -> Checkpoint:
    """The checkpoint a link stands for."""
    return Checkpoint(change.seq, change.digest)


def link_digest(change: Change) -> str:
    """The digest a link must carry: SHA-256 over the canonical bytes of all its other fields."""
    fields = to_json(change)
    del fields["digest"]
    return digest_json(fields)


def next_link(
    head: Change | None,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    why: str,
    facts: Mapping[str, Any],
) -> Change:
    """The link that follows `head` (None starts a chain, with seq 1 and an empty `previous`).

    `facts` are brought to plain JSON first, so that the digest survives storing and reading back.

    Raises:
        DataError: `at` has no time zone, or a fact is nothing JSON can carry.
    """
    if at.tzinfo is None:
        raise DataError("`at` has no time zone", remedy="Pass a timezone-aware UTC time.", field="at")
    link = Change(
        seq=head.seq + 1 if head else 1,
        at=at.astimezone(UTC),
        actor=actor,
        action=action,
        subject=subject,
        why=why,
        previous=head.digest if head else "",
        digest="",
        facts=to_json(dict(facts)),
    )
    return replace(link, digest=link_digest(link))


def verify_chain(changes: Sequence[Change], expected_head: Change | Checkpoint | None = None) -> None:
    """The whole record, from its first link, is as it was written.

    Args:
        changes: all links, in order.
        expected_head: a link or checkpoint known from elsewhere; the record may have grown since.

    Raises:
        ChainBrokenError: with `kind` one of `edited` (a link's digest does not fit its fields), `forked` (two
            links with one number, or a link that follows another one than is here), `reordered`, `deleted`
            (numbers are missing at the start or in between), `truncated` (the expected head is beyond the end),
            and `seq`, the first link concerned.
    """
    for change in changes:
        _check_own_digest(change)
    _check_numbers([c.seq for c in changes])
    previous = ""
    for change in changes:
        if change.previous != previous:
            raise broken(
                "forked",
                change.seq,
                f"link {change.seq} does not follow the link before it here: that one was rewritten, or the two"
                " come from different histories",
            )
        previous = change.digest
    if expected_head is not None:
        _check_head(changes, expected_head)


def check_link(change: Change) -> None:
    """One link by itself: its digest fits its fields. Raises ChainBrokenError (`edited`)."""
    _check_own_digest(change)


def _check_own_digest(change: Change) -> None:
    try:
        fits = link_digest(change) == change.digest
    except DataError as error:
        raise broken("edited", change.seq, f"link {change.seq} holds what JSON cannot carry: {error}") from error
    if not fits:
        raise broken("edited", change.seq, f"link {change.seq} was edited: its digest does not fit its fields")


def _check_numbers(seqs: list[int]) -> None:
    before = 0
    for seq in sorted(seqs):
        if seq == before:
            raise broken("forked", seq, f"link {seq} is there more than once")
        if seq != before + 1:
            gone = f"link {before + 1}" if seq == before + 2 else f"links {before + 1} to {seq - 1}"
            raise broken("deleted", before + 1, f"{gone}: deleted")
        before = seq
    for place, seq in enumerate(seqs, start=1):
        if seq != place:
            raise broken("reordered", seq, f"link {seq} stands at place {place}: links were reordered")


def _check_head(changes: Sequence[Change], head: Change | Checkpoint) -> None:
    if head.seq > len(changes):
        raise broken(
            "truncated", len(changes) + 1, f"the record ends at link {len(changes)}, known is link {head.seq}"
        )
    if head.seq < 1 or changes[head.seq - 1].digest != head.digest:
        raise broken("forked", head.seq, f"link {head.seq} is not the one known from the checkpoint")


def broken(kind: str, seq: int, what: str) -> ChainBrokenError:
    """The error for a record that does not hold: in which way, and the first link concerned."""
    return ChainBrokenError(
        f"the change record is broken: {what}",
        remedy="Compare it with a backup or an exported bundle; nothing after this link can be relied on.",
        kind=kind,
        seq=seq,
    )
