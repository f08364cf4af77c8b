"""Frames: how records lie in an open segment so that a torn tail is told from a whole record.

    frame = length (uint32, little endian) | checksum (uint32) | payload (length bytes)

The checksum is CRC-32 over length and payload, and a length of zero is not a frame: a tail of zeros, as file
systems leave after a power cut, is therefore torn, not a run of empty records.

A record that must be forgotten is erased in place: first its first byte becomes `ERASED`, which no record begins
with, and from then on its checksum does not count, then the rest becomes zeros. A crash between leaves a whole frame.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

_HEADER = struct.Struct("<II")
MAX_PAYLOAD = 1 << 30
"""Longest payload in bytes; a longer length is damage."""

ERASED = b"\xc0"
"""The first byte of an erased payload."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment holds: whole payloads in order, and how many bytes they take with their headers.

    `damaged` tells a tail that was changed (a complete frame with a wrong checksum) from one that was merely cut.
    """

    payloads: tuple[bytes, ...]
    whole_bytes: int
    damaged: bool = False


def frame(payloads: Iterable[bytes]) -> bytes:
    """The payloads, framed one after the other."""
    parts: list[bytes] = []
    for payload in payloads:
        length = len(payload)
        parts.append(_HEADER.pack(length, _checksum(length, payload)))
        parts.append(payload)
    return b"".join(parts)


def scan(data: bytes) -> Scan:
    """Every whole frame up to the first one that is cut or damaged."""
    payloads: list[bytes] = []
    position, end = 0, len(data)
    while position + _HEADER.size <= end:
        length, checksum = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        if not 0 < length <= MAX_PAYLOAD or start + length > end:
            break
        payload = data[start : start + length]
        if not is_erased(payload) and _checksum(length, payload) != checksum:
            return Scan(tuple(payloads), position, damaged=True)
        payloads.append(payload)
        position = start + length
    return Scan(tuple(payloads), position)


def is_erased(payload: bytes) -> bool:
    """Whether a record was forgotten."""
    return payload[:1] == ERASED


def is_half_erased(payload: bytes) -> bool:
    """Whether a crash left bytes of a record that was to be forgotten."""
    return is_erased(payload) and any(payload[1:])


def size_of(payload: bytes) -> int:
    """Bytes of a payload with its header."""
    return _HEADER.size + len(payload)


def erase(handle: int, position: int, length: int) -> None:
    """Erase the payload of the frame at `position` of an open file, durably. Raises OSError."""
    start = position + _HEADER.size
    os.pwrite(handle, ERASED, start)
    os.fdatasync(handle)
    os.pwrite(handle, bytes(length - 1), start + 1)


def _checksum(length: int, payload: bytes) -> int:
    return zlib.crc32(payload, length)
