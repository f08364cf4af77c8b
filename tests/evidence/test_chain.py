"""The change record: how each kind of damage is told from the others."""

import hashlib
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from roadworthy.domain.errors import ChainBrokenError, DataError
from roadworthy.domain.trust import Change
from roadworthy.evidence.chain import Checkpoint, checkpoint_of, link_digest, next_link, verify_chain


@pytest.fixture(scope="module")
def links(world):
    return world.changes(8)


def broken(changes, head=None):
    with pytest.raises(ChainBrokenError) as caught:
        verify_chain(changes, head)
    return caught.value.fields["kind"], caught.value.fields["seq"]


def rehashed(change, **fields):
    """What somebody with write access and our source would do."""
    edited = replace(change, **fields)
    return replace(edited, digest=link_digest(edited))


def test_an_untouched_chain_holds_with_and_without_a_checkpoint(links):
    verify_chain([])
    verify_chain(links)
    verify_chain(links, links[-1])
    verify_chain(links, checkpoint_of(links[4]))


def test_a_link_s_digest_is_the_sha256_of_its_other_fields_as_sorted_json(links):
    fields = {k: v for k, v in msgspec.to_builtins(links[1]).items() if k != "digest"}
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert links[1].digest == hashlib.sha256(plain.encode()).hexdigest()


def test_the_digest_survives_storing_and_reading_back(links):
    stored = msgspec.json.decode(msgspec.json.encode(links), type=list[Change])
    verify_chain(stored, links[-1])


@pytest.mark.parametrize("field", ["at", "actor", "action", "subject", "why", "previous", "facts", "digest"])
def test_an_edit_of_any_field_is_found_and_named(links, field):
    new = {"at": links[3].at + timedelta(seconds=1), "facts": {"share": 0.4}}.get(field, "0" * 64)
    assert broken([*links[:3], replace(links[3], **{field: new}), *links[4:]]) == ("edited", 4)


def test_an_edit_with_a_new_digest_is_found_at_the_next_link(links):
    assert broken([*links[:3], rehashed(links[3], actor="somebody else"), *links[4:]]) == ("forked", 5)


@pytest.mark.parametrize(("cut", "first_missing"), [(slice(0, 1), 1), (slice(2, 3), 3), (slice(3, 6), 4)], ids=str)
def test_deleted_links_are_found_and_named(links, cut, first_missing):
    rest = list(links)
    del rest[cut]
    assert broken(rest) == ("deleted", first_missing)


def test_a_forged_number_far_away_costs_nothing(links):
    assert broken([*links[:2], rehashed(links[2], seq=10**15)]) == ("deleted", 3)


def test_exchanged_links_are_found_as_reordered(links):
    assert broken([*links[:2], links[3], links[2], *links[4:]]) == ("reordered", 4)
    assert broken(links[::-1]) == ("reordered", 8)


def test_two_links_with_one_number_are_found_as_forked(links):
    other = rehashed(links[4], why="another history")
    assert broken([*links[:5], other, *links[5:]]) == ("forked", 5)
    assert broken([*links[:5], links[4], *links[5:]]) == ("forked", 5)


def test_a_cut_end_shows_only_against_a_checkpoint(links):
    verify_chain(links[:6])
    assert broken(links[:6], links[-1]) == ("truncated", 7)
    assert broken([], checkpoint_of(links[0])) == ("truncated", 1)


def test_a_whole_history_rewritten_shows_only_against_a_checkpoint(links):
    fake: list[Change] = []
    for link in links:
        fake.append(rehashed(link, actor="mallory", previous=fake[-1].digest if fake else ""))
    verify_chain(fake)
    assert broken(fake, links[-1]) == ("forked", 8)


def test_a_checkpoint_that_cannot_be_is_no_pass(links):
    assert broken(links, Checkpoint(0, ""))[0] == "forked"


def test_a_link_read_back_with_a_value_json_cannot_carry_is_reported_as_edited(links):
    assert broken([replace(links[0], facts={"share": float("nan")}), *links[1:]]) == ("edited", 1)


def test_times_are_kept_in_utc_and_a_time_without_zone_is_refused(world):
    plain = {"actor": "a", "action": "b", "subject": "c", "why": "d", "facts": {}}
    there = world.NOW.astimezone(timezone(timedelta(hours=9)))
    assert next_link(None, at=there, **plain) == next_link(None, at=world.NOW, **plain)
    with pytest.raises(DataError, match="no time zone"):
        next_link(None, at=datetime(2026, 1, 1), **plain)  # noqa: DTZ001


def test_a_thousand_links_are_verified_in_reasonable_time(world):
    links = world.changes(1000)
    start = time.perf_counter()
    verify_chain(links, links[-1])
    assert time.perf_counter() - start < 10, "about 0.05 s here; only an accidental square would take this long"
