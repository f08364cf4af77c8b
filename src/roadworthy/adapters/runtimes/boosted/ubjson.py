"""Universal Binary JSON as values, bounded by the bytes that are there: nothing a length field claims is believed.

References:
    https://ubjson.org, draft 12, with the typed arrays (`[$type#count`) that XGBoost writes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.boosted.links import crafted

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_WORDS: dict[bytes, Any] = {b"Z": None, b"T": True, b"F": False}
_MOST_DEPTH = 64


def decode(data: bytes) -> Any:
    """The one value in the bytes. Raises ArtifactError: cut short, ill-formed, too deep, or bytes left over."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise crafted("bytes after its end")
    return value


class _Reader:
    """A position in the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        end = self.at + length
        if length < 0 or end > len(self._data):
            raise crafted("more than is there")
        self.at, start = end, self.at
        return self._data[start:end]

    def value(self, kind: bytes, depth: int) -> Any:
        """A value of the kind its marker says."""
        if depth > _MOST_DEPTH:
            raise crafted(f"more than {_MOST_DEPTH} levels")
        if kind in _NUMBERS:
            return self._numbers(kind, 1)[0]
        if kind in _WORDS:
            return _WORDS[kind]
        if kind == b"S":
            return self._text()
        if kind == b"[":
            return self._array(depth)
        if kind == b"{":
            return self._object(depth)
        raise crafted(f"a value of the kind {kind!r}")

    def _numbers(self, kind: bytes, count: int) -> list[Any]:
        dtype = np.dtype(_NUMBERS[kind])
        return list(np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype).tolist())

    def _length(self) -> int:
        kind = self.take(1)
        if kind not in (b"i", b"U", b"I", b"l", b"L"):
            raise crafted("a length that is no whole number")
        length = int(self._numbers(kind, 1)[0])
        if length < 0 or length > len(self._data) - self.at:
            raise crafted("more than is there")
        return length

    def _text(self) -> str:
        try:
            return self.take(self._length()).decode()
        except UnicodeDecodeError as error:
            raise crafted("text that is not UTF-8") from error

    def _array(self, depth: int) -> list[Any]:
        first = self.take(1)
        if first == b"$":
            kind = self.take(1)
            if kind not in _NUMBERS or self.take(1) != b"#":
                raise crafted("an array of no numbers without a length")
            return self._numbers(kind, self._length())
        if first == b"#":
            return [self.value(self.take(1), depth + 1) for _ in range(self._length())]
        found: list[Any] = []
        while first != b"]":
            found.append(self.value(first, depth + 1))
            first = self.take(1)
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (mark := self.take(1)) != b"}":
            self.at -= len(mark)
            name = self._text()
            if name in found:
                raise crafted(f"'{name[:80]}' twice")
            found[name] = self.value(self.take(1), depth + 1)
        return found
