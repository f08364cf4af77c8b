"""Signed checkpoints: a past that is consistent and rewritten is found, and each kind of damage has its name."""

from dataclasses import replace

import pytest

from roadworthy.domain.errors import ChainBrokenError, CouldNotVerifyError, IntegrityError
from roadworthy.evidence.chain import link_digest
from roadworthy.evidence.checkpoints import RecordReport, open_checkpoints, verify_record
from roadworthy.evidence.statements import checkpoint_statement


@pytest.fixture(scope="module")
def links(world):
    return world.changes(12)


def rechained(changes):
    """What somebody with write access and our source would do: every number, link and digest made consistent."""
    made = []
    for change in changes:
        bare = replace(change, seq=len(made) + 1, previous=made[-1].digest if made else "")
        made.append(replace(bare, digest=link_digest(bare)))
    return made


def signed(world, changes, *seqs):
    return open_checkpoints([world.checkpoint(changes[seq - 1]) for seq in seqs], world.trust, now=world.NOW)


def broken(changes, checkpoints):
    with pytest.raises(ChainBrokenError) as caught:
        verify_record(changes, checkpoints)
    return caught.value.fields["kind"], caught.value.fields["seq"]


def test_a_record_that_agrees_with_all_its_checkpoints_holds_and_says_how_far_they_reach(world, links):
    report = verify_record(links, signed(world, links, 4, 8), every=4)
    assert report == RecordReport(links=12, checkpoints=2, covered=8)
    assert report.open_links == 4


FORGERIES = {
    "an edit": lambda ls: [*ls[:5], replace(ls[5], actor="mallory"), *ls[6:]],
    "a deletion": lambda ls: [*ls[:5], *ls[6:]],
    "an exchange": lambda ls: [*ls[:5], ls[6], ls[5], *ls[7:]],
    "an insertion": lambda ls: [*ls[:5], ls[0], *ls[5:]],
    "a new tail": lambda ls: [*ls[:5], *(replace(c, why="rewritten") for c in ls[5:])],
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_with_all_digests_computed_anew_the_signed_checkpoint_after_it_still_finds(world, links, forge):
    forged = rechained(forge(links))
    verify_record(forged, ())  # the links alone say nothing
    assert broken(forged, signed(world, links, 4, 8)) == ("rewritten", 5)


def test_a_cut_end_is_found_by_a_checkpoint_beyond_it(world, links):
    assert broken(links[:7], signed(world, links, 4, 8)) == ("truncated", 8)


def test_what_comes_after_the_newest_checkpoint_can_be_rewritten_and_the_report_says_so(world, links):
    forged = rechained([*links[:9], replace(links[9], actor="mallory"), *links[10:]])
    report = verify_record(forged, signed(world, links, 4, 8), every=4)
    assert report.open_links == 4


def test_links_that_should_be_under_a_checkpoint_and_are_not_could_not_be_verified(world, links):
    with pytest.raises(CouldNotVerifyError, match=r"links 5 to 12 .* no signed checkpoint"):
        verify_record(links, signed(world, links, 4), every=7)
    with pytest.raises(CouldNotVerifyError, match="links 1 to 12"):
        verify_record(links, (), every=4)


def test_two_signed_checkpoints_of_one_link_that_disagree_show_a_fork(world, links):
    other = rechained([*links[:5], replace(links[5], why="another history"), *links[6:]])
    both = (*signed(world, links, 8), *signed(world, other, 8))
    assert broken(links, both) == ("forked", 8)


def test_a_record_that_went_on_from_an_older_copy_is_a_fork(world, links):
    other = rechained([*links[:5], replace(links[5], why="restored and gone on"), *links[6:]])
    assert broken(other, (*signed(world, links, 4, 8), *signed(world, other, 12))) == ("forked", 5)


def test_a_checkpoint_is_signed_by_the_platform_and_by_nobody_else(world, links):
    with pytest.raises(IntegrityError, match="no platform"):
        open_checkpoints([world.checkpoint(links[3], by="ops")], world.trust, now=None)


def test_a_checkpoint_with_one_byte_changed_does_not_open(world, links):
    text = world.checkpoint(links[3])
    for position in range(0, len(text), 7):
        changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        with pytest.raises(IntegrityError):
            open_checkpoints([changed], world.trust, now=None)


def test_other_evidence_is_no_checkpoint_and_a_subject_must_fit(world, links):
    with pytest.raises(IntegrityError, match="no checkpoint"):
        open_checkpoints([world.contract()], world.trust, now=None)
    odd = checkpoint_statement(links[3], reason="x", now=world.NOW)
    odd["subject"][0]["digest"]["sha256"] = links[4].digest
    with pytest.raises(IntegrityError, match="another digest"):
        open_checkpoints([world.sign(odd, "platform")], world.trust, now=None)
