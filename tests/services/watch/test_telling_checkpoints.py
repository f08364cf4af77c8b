"""Of very many checkpoints a bundle carries few, and shows a rewritten, cut or forked past as with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from small_world import V1, World, at

from roadworthy.adapters.storage.rows import link_body
from roadworthy.domain.trust import Change, Evidence, EvidenceKind
from roadworthy.evidence.bundle import Bundle, BundleItem, ItemStatus, verify_bundle
from roadworthy.evidence.chain import link_digest
from roadworthy.evidence.envelope import claimed_kind
from roadworthy.services.dossier.proof import prove
from roadworthy.services.dossier.record import read_record
from roadworthy.services.watch import verify
from roadworthy.services.watch.verify import bundle, trust_root

FEW, NOTES = 4, 60


@pytest.fixture(params=[FEW, 10_000], ids=["few of them", "all of them"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """A record in which every link has a checkpoint; a bundle carries few of them, or all."""
    monkeypatch.setattr(verify, "MOST_CHECKPOINTS", request.param)
    made = at("serving")
    made = replace(made, house=replace(made.house, checkpoint_every=1))
    for n in range(NOTES):
        note(made, V1 if n % 20 == 0 else "offers", n)
    return made


def note(world: World, about: str, n: int) -> None:
    with world.house.store.begin() as tx:
        world.house.record(tx, "omar", "noted", about, f"note {n}")


def carried(found: Bundle) -> int:
    return sum(claimed_kind(e) == "checkpoint" for e in found.envelopes)


def record_item(world: World) -> BundleItem:
    """What verification says of the change record of a fresh bundle."""
    found = bundle(world.house, V1)
    report = verify_bundle(found, trust_root(world.house), world.house.artifacts.get(found.artifact), now=None)
    (item,) = [i for i in report.items if i.name == "change record"]
    return item


def rewrite(world: World, links: Sequence[Change]) -> None:
    """Put these links in place of the record, with every number and digest made consistent; no key is used."""
    made: list[Change] = []
    for link in links:
        bare = replace(link, seq=len(made) + 1, previous=made[-1].digest if made else "")
        made.append(replace(bare, digest=link_digest(bare)))
    pairs = zip([None, *made], made, strict=False)
    world.house.store._contents.changes[:] = [link_body(before, link) for before, link in pairs]


def edited(links: Sequence[Change], place: int) -> list[Change]:
    return [*links[:place], replace(links[place], why="nothing happened"), *links[place + 1 :]]


def test_a_bundle_of_an_untouched_record_holds_with_few_checkpoints_or_all(world: World) -> None:
    item = record_item(world)
    assert item.status is ItemStatus.OK, item.why
    every = sum(e.kind is EvidenceKind.CHECKPOINT for e in world.all(Evidence))
    sent = carried(bundle(world.house, V1))
    if verify.MOST_CHECKPOINTS == FEW:
        assert FEW <= sent <= 4 * FEW < every
    else:
        assert sent == every
    assert prove(read_record(world.house, V1)).problems == ()


TAMPERED: dict[str, Callable[[World], None]] = {
    "an old link rewritten": lambda w: rewrite(w, edited(w.changes(), 3)),
    "a link about the version rewritten": lambda w: rewrite(
        w, edited(w.changes(), next(c.seq for c in reversed(w.changes()) if c.subject == V1) - 1)
    ),
    "the newest link rewritten": lambda w: rewrite(w, edited(w.changes(), len(w.changes()) - 1)),
    "the end cut off": lambda w: rewrite(w, w.changes()[:-5]),
    "a link left out": lambda w: rewrite(w, [c for c in w.changes() if c.seq != 40]),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_what_was_rewritten_or_cut_shows_though_the_bundle_ends_with_a_fresh_checkpoint(
    world: World, tamper: Callable[[World], None]
) -> None:
    tamper(world)
    for n in range(9):
        note(world, "offers", n)  # the program goes on, and signs what it finds
    item = record_item(world)
    assert item.status is ItemStatus.WRONG, item.why
