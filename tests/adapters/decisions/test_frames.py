"""Frames: a tail that is cut or changed never passes for a record."""

from __future__ import annotations

import binascii
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.adapters.decisions.frames import frame, scan

PAYLOADS = [b"one", b"a second, longer payload", b"3"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=20))
def test_what_is_framed_is_scanned_back(payloads: list[bytes]) -> None:
    data = frame(payloads)
    assert (list(scan(data).payloads), scan(data).whole_bytes) == (payloads, len(data))


def test_a_frame_is_length_checksum_payload() -> None:
    length = struct.pack("<I", 3)
    assert frame([b"abc"]) == length + struct.pack("<I", binascii.crc32(b"abc", 3)) + b"abc"


def test_a_file_cut_at_any_byte_yields_exactly_the_frames_before_the_cut() -> None:
    data = frame(PAYLOADS)
    ends = [len(frame(PAYLOADS[:k])) for k in range(4)]
    for cut in range(len(data) + 1):
        whole = max(k for k in range(4) if ends[k] <= cut)
        found = scan(data[:cut])
        assert (list(found.payloads), found.whole_bytes, found.damaged) == (PAYLOADS[:whole], ends[whole], False)


def test_a_changed_byte_anywhere_in_the_last_frame_hides_that_frame() -> None:
    data, start = frame(PAYLOADS), len(frame(PAYLOADS[:2]))
    for position in range(start, len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x10
        assert list(scan(bytes(changed)).payloads) == PAYLOADS[:2]


@pytest.mark.parametrize("tail", [b"\x00" * 8, b"\x00" * 4096, b"\xff" * 64], ids=["zeros", "a page", "ones"])
def test_a_tail_of_one_repeated_byte_is_no_frame(tail: bytes) -> None:
    data = frame(PAYLOADS)
    assert (scan(data + tail).payloads, scan(data + tail).whole_bytes) == (tuple(PAYLOADS), len(data))


def test_a_complete_frame_with_a_wrong_checksum_is_damage_not_a_torn_tail() -> None:
    data = bytearray(frame(PAYLOADS))
    data[-1] ^= 1
    assert scan(bytes(data)).damaged
