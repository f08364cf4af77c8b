"""Somebody with write access to the database: what they do to the stored record, and which part finds it.

The records are real ones in SQLite, changed by SQL behind the program's back. `rewrite` plays the strongest such
attacker: they have our source and compute every digest anew; what they lack is the platform's private key.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from small_world import World

from roadworthy.adapters.signing.memory import MemoryKeyring
from roadworthy.adapters.storage.sql import SqlStore
from roadworthy.domain.errors import (
    ChainBrokenError,
    CouldNotVerifyError,
    DigestMismatchError,
    IntegrityError,
    SignatureWrongError,
)
from roadworthy.domain.trust import Change, Evidence, EvidenceKind, Person
from roadworthy.evidence.chain import link_digest, verify_chain
from roadworthy.evidence.envelope import make_evidence
from roadworthy.evidence.statements import checkpoint_statement
from roadworthy.services.watch.verify import checkpoint, verify_against, verify_changes

EVERY = 5


class Stored:
    """A record in SQLite with a checkpoint every five links, and the file an attacker writes to."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "control.db"
        self.world = World.in_memory(store=SqlStore.open(f"sqlite:///{self.file}"), checkpoint_every=EVERY)
        self.world.prepare()
        while len(self.world.changes()) % EVERY == 0:
            self.world.add(f"guest-{len(self.world.changes())}", "auditor")
        self.links = self.world.changes()
        assert len(self.links) > 2 * EVERY
        assert len(self.links) % EVERY, "the newest link is under no checkpoint yet"

    def sql(self, statement: str, rows: Sequence[tuple[object, ...]] = ((),)) -> None:
        with sqlite3.connect(self.file) as database:
            database.executemany(statement, rows)
        database.close()

    def rewrite(self, links: Sequence[Change]) -> list[Change]:
        """Put these links in place of the record, with every number, chain and digest made consistent."""
        made: list[Change] = []
        for link in links:
            bare = replace(link, seq=len(made) + 1, previous=made[-1].digest if made else "")
            made.append(replace(bare, digest=link_digest(bare)))
        self.sql("DELETE FROM change")
        self.sql(
            "INSERT INTO change (seq, digest, previous, subject, body, body_digest) VALUES (?, ?, ?, ?, ?, ?)",
            [(c.seq, c.digest, c.previous, c.subject, body(c), digest(body(c))) for c in made],
        )
        verify_chain(self.world.changes())  # as a chain it is flawless
        return made

    def checkpoints(self) -> list[Evidence]:
        return [e for e in self.world.all(Evidence) if e.kind is EvidenceKind.CHECKPOINT]

    def drop_checkpoints(self, after: int = 0) -> None:
        kept = self.checkpoints()
        seqs = {c.digest: c.seq for c in self.links}
        self.sql(
            "DELETE FROM evidence WHERE id = ?", [(e.id,) for e in kept if seqs.get(e.subject, after + 1) > after]
        )

    def broken(self, kept: Sequence[str] = ()) -> tuple[object, object]:
        with pytest.raises(ChainBrokenError) as caught:
            verify_against(self.world.house, kept)
        return caught.value.fields["kind"], caught.value.fields["seq"]


def body(link: Change) -> str:
    return msgspec.json.encode(link).decode()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Stored]:
    stored = Stored(tmp_path)
    yield stored
    stored.world.house.store.close()


def test_an_untouched_record_holds_and_every_fifth_link_is_signed(record: Stored) -> None:
    report = verify_against(record.world.house)
    assert (report.links, report.checkpoints) == (len(record.links), len(record.links) // EVERY)
    assert report.covered == len(record.links) // EVERY * EVERY


def test_an_edited_body_is_found_by_the_stores_own_digest(record: Stored) -> None:
    record.sql("UPDATE change SET body = replace(body, 'admin', 'rufus') WHERE seq = 3")
    with pytest.raises(DigestMismatchError, match="change 3"):
        verify_changes(record.world.house)


def test_an_edited_body_with_a_new_row_digest_is_found_by_the_link(record: Stored) -> None:
    changed = body(replace(record.links[2], why="nothing to see"))
    record.sql("UPDATE change SET body = ?, body_digest = ? WHERE seq = 3", [(changed, digest(changed))])
    assert record.broken() == ("edited", 3)


def test_an_edited_link_with_a_new_digest_is_found_by_the_link_after_it(record: Stored) -> None:
    edited = replace(record.links[2], why="nothing to see")
    edited = replace(edited, digest=link_digest(edited))
    record.sql(
        "UPDATE change SET body = ?, body_digest = ?, digest = ? WHERE seq = 3",
        [(body(edited), digest(body(edited)), edited.digest)],
    )
    assert record.broken() == ("forked", 4)


def test_a_deleted_link_is_found_by_its_number(record: Stored) -> None:
    record.sql("DELETE FROM change WHERE seq = 4")
    assert record.broken() == ("deleted", 4)


def test_exchanged_rows_are_found_by_their_numbers(record: Stored) -> None:
    for row, link in ((7, record.links[7]), (8, record.links[6])):
        record.sql(
            "UPDATE change SET body = ?, body_digest = ? WHERE seq = ?", [(body(link), digest(body(link)), row)]
        )
    assert record.broken() == ("reordered", 8)


REWRITTEN: dict[str, Callable[[list[Change]], list[Change]]] = {
    "edit": lambda ls: [*ls[:6], replace(ls[6], actor="mallory"), *ls[7:]],
    "deletion": lambda ls: [*ls[:6], *ls[7:]],
    "exchange": lambda ls: [*ls[:6], ls[7], ls[6], *ls[8:]],
    "insertion": lambda ls: [*ls[:6], ls[2], *ls[6:]],
    "rewritten tail": lambda ls: [*ls[:6], *(replace(c, why="all well") for c in ls[6:])],
}


@pytest.mark.parametrize("forge", REWRITTEN.values(), ids=REWRITTEN)
def test_with_every_digest_computed_anew_the_signed_checkpoint_finds_it(
    record: Stored, forge: Callable[[list[Change]], list[Change]]
) -> None:
    record.rewrite(forge(record.links))
    assert record.broken() == ("rewritten", EVERY + 1)


def test_a_cut_end_is_found_by_the_checkpoint_beyond_it(record: Stored) -> None:
    record.sql("DELETE FROM change WHERE seq > 7")
    assert record.broken() == ("truncated", 8)


def test_a_cut_end_whose_checkpoints_are_gone_too_is_found_by_one_kept_elsewhere(record: Stored) -> None:
    kept = checkpoint(record.world.house, "the auditor's visit").envelope
    verify_against(record.world.house, [kept])
    record.drop_checkpoints(after=5)
    record.sql("DELETE FROM change WHERE seq > 7")
    verify_changes(record.world.house)  # nothing here can tell: the record is an honest older one
    assert record.broken([kept]) == ("truncated", 8)


def test_a_rewritten_past_whose_checkpoints_are_gone_could_not_be_verified_and_one_kept_elsewhere_names_it(
    record: Stored,
) -> None:
    kept = checkpoint(record.world.house, "the auditor's visit").envelope
    record.rewrite([replace(c, actor="mallory") for c in record.links])
    record.drop_checkpoints()
    with pytest.raises(CouldNotVerifyError, match=f"links 1 to {len(record.links)} .* no signed checkpoint"):
        verify_changes(record.world.house)
    assert record.broken([kept]) == ("rewritten", 1)


def test_two_histories_from_one_backup_are_found_by_a_checkpoint_of_the_other(
    record: Stored,
) -> None:
    record.world.add("early", "auditor")
    kept = checkpoint(record.world.house, "the auditor's visit").envelope
    record.rewrite(record.links)  # the backup of before comes back ...
    record.drop_checkpoints(after=len(record.links) - 1)
    record.world.add("late", "auditor")  # ... and the record goes on from there, signed again
    checkpoint(record.world.house, "life goes on")
    verify_changes(record.world.house)
    kind, seq = record.broken([kept])
    assert kind == "forked"
    assert seq == len(record.links) + 1


def test_a_checkpoint_signed_with_a_key_of_the_attackers_own_does_not_help_them(record: Stored) -> None:
    forged = record.rewrite([replace(c, actor="mallory") for c in record.links])
    record.drop_checkpoints()
    own = MemoryKeyring().create("platform")
    now = record.world.clock.now()
    evidence = make_evidence(checkpoint_statement(forged[-1], reason="x", now=now), own, person="platform", now=now)
    with record.world.house.store.begin() as tx:
        tx.of(Evidence).add(evidence)
    with pytest.raises(CouldNotVerifyError, match="not in the trust root"):
        verify_changes(record.world.house)
    with record.world.house.store.begin() as tx:  # so they put their public key into the store as the platform's
        platform = tx.of(Person).get("platform")
        tx.of(Person).replace(platform, replace(platform, key_id=own.key_id, public_key=own.public_key))
    with pytest.raises(IntegrityError, match="the keyring holds"):
        verify_changes(record.world.house)


def test_a_checkpoint_changed_in_place_is_wrong(record: Stored) -> None:
    evidence = record.checkpoints()[0]
    other = record.checkpoints()[1]
    payload = msgspec.json.decode(other.envelope)["payload"]
    envelope = evidence.envelope.replace(msgspec.json.decode(evidence.envelope)["payload"], payload)
    with record.world.house.store.begin() as tx:
        tx.of(Evidence).replace(evidence, replace(evidence, envelope=envelope))
    with pytest.raises(SignatureWrongError):
        verify_changes(record.world.house)
