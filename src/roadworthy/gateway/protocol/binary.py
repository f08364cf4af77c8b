"""Tensors as bytes: the binary data extension of the Open Inference Protocol.

A body is its JSON part, as long as the header `Inference-Header-Content-Length` says, and then the bytes of every
tensor that has `parameters.binary_data_size`, in order, little-endian, nothing between them and nothing after. BYTES
are elements of four bytes of length and then UTF-8 text, BOOL one byte each. A missing number is NaN.

Source: Open Inference Protocol, "Binary Tensor Data Extension" (Triton Inference Server, protocol extensions).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from roadworthy.gateway.protocol.columns import malformed

HEADER = b"inference-header-content-length"
EXTENSION = "binary_tensor_data"
"""Its name among the extensions of the server."""

NUMBERS: dict[str, str] = {
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""Datatype -> NumPy's word for its bytes."""

_LENGTH = struct.Struct("<I")


def split(body: bytes, declared: bytes) -> tuple[bytes, memoryview]:
    """The JSON part of a body, and the bytes after it.

    Raises:
        InputError: the header `declared` is no length, or longer than the body.
    """
    if not declared.isdigit() or not 0 < int(declared[:19]) <= len(body):
        raise malformed(
            HEADER.decode(),
            f"the header says {declared.decode('latin-1')[:32]!r} bytes of JSON, the whole body has {len(body)}",
            "Send the length of the JSON part in bytes, or no such header for a body that is all JSON.",
        )
    size = int(declared)
    return body[:size], memoryview(body)[size:]


def cut(rest: memoryview, sizes: Sequence[int | None], field: str = "inputs") -> list[memoryview | None]:
    """The bytes of each tensor, None where it has none.

    Raises:
        InputError: the sizes are negative, or do not add up to all the bytes there are.
    """
    said = sum(size or 0 for size in sizes)
    if any(size is not None and size < 0 for size in sizes) or said != len(rest):
        raise malformed(
            field,
            f"the tensors say they have {said} bytes of data, the body has {len(rest)} after its JSON part",
            "Give every binary tensor its size in parameters.binary_data_size, in the order of the data.",
        )
    found: list[memoryview | None] = []
    start = 0
    for size in sizes:
        found.append(None if size is None else rest[start : start + size])
        start += size or 0
    return found


def unpacked(datatype: str, raw: memoryview, n_rows: int, name: str, field: str) -> list[Any]:
    """The values of one tensor, NaN as None, (n_rows,).

    Raises:
        InputError: another number of bytes than rows of this datatype have, text that is not UTF-8, or a BOOL that is
            neither 0 nor 1.
    """
    if datatype == "BYTES":
        return _texts(raw, n_rows, name, field)
    width = 1 if datatype == "BOOL" else np.dtype(NUMBERS[datatype]).itemsize
    if len(raw) != n_rows * width:
        raise malformed(
            field, f"column {name} has {len(raw)} bytes of {datatype}", f"{n_rows} rows have {n_rows * width}."
        )
    if datatype == "BOOL":
        flags = np.frombuffer(raw, dtype=np.uint8)
        if flags.size and flags.max() > 1:
            row = int(np.argmax(flags > 1))
            raise malformed(field, f"column {name}, row {row}: {flags[row]} is no BOOL", "Send 0 or 1.")
        return [flag == 1 for flag in flags.tolist()]
    values = np.frombuffer(raw, dtype=NUMBERS[datatype])
    if values.dtype.kind != "f":
        return list(values.tolist())
    return [None if v != v else v for v in values.tolist()]  # noqa: PLR0124 - NaN is what differs from itself


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """The bytes of an output; None is NaN."""
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    if datatype == "BOOL":
        return np.array(values, dtype=np.uint8).tobytes()
    return np.array([np.nan if v is None else v for v in values], dtype=NUMBERS[datatype]).tobytes()


def _texts(raw: memoryview, n_rows: int, name: str, field: str) -> list[Any]:
    found: list[Any] = []
    start = 0
    while start < len(raw) and len(found) < n_rows:
        size = _LENGTH.unpack_from(raw, start)[0] if start + _LENGTH.size <= len(raw) else len(raw)
        start += _LENGTH.size
        if start + size > len(raw):
            break
        try:
            found.append(str(raw[start : start + size], "utf-8"))
        except UnicodeDecodeError:
            raise malformed(field, f"column {name}, row {len(found)} is not UTF-8", "Send UTF-8 text.") from None
        start += size
    if len(found) != n_rows or start != len(raw):
        raise malformed(
            field,
            f"column {name} has {len(raw)} bytes that are not {n_rows} texts",
            "Send each text as its length in four bytes, little-endian, and then its UTF-8 bytes.",
        )
    return found
