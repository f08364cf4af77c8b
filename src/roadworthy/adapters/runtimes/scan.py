"""Facts about an artifact's bytes, without running anything from them: format, admitted or not, and why."""

from __future__ import annotations

import bz2
import io
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping

from roadworthy.adapters.runtimes.boosted.lightgbm_file import is_lightgbm
from roadworthy.adapters.runtimes.boosted.lightgbm_runtime import scan_lightgbm
from roadworthy.adapters.runtimes.boosted.xgboost_file import is_xgboost
from roadworthy.adapters.runtimes.boosted.xgboost_runtime import scan_xgboost
from roadworthy.adapters.runtimes.composed.reading import is_composition, scan_alone
from roadworthy.adapters.runtimes.documents.reading import kind_of
from roadworthy.adapters.runtimes.documents.rules_runtime import scan_rules
from roadworthy.adapters.runtimes.exported.program import is_program
from roadworthy.adapters.runtimes.exported.torch_runtime import scan_torch
from roadworthy.adapters.runtimes.onnx_runtime import NOTHING, OnnxRuntime
from roadworthy.adapters.runtimes.pickles.allow import admitted
from roadworthy.adapters.runtimes.skops_runtime import load_skops, reported_types
from roadworthy.adapters.runtimes.trust import refusal
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.serving import Scan

_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
)
_TORCH_REASON = "reading it unpickles; export the model with torch.export.export and torch.export.save"
_PICKLE_REASON = (
    "a pickle runs code of its choice when it is loaded; it is registered only by converting it to skops"
)


_MARKED: Mapping[str, Callable[[bytes], bool]] = {
    "xgboost": is_xgboost,
    "composition": is_composition,
    "lightgbm": is_lightgbm,
}
"""Formats that begin with a mark of their own, and how it is recognised."""

_SCANS: Mapping[str, Callable[[bytes], Scan]] = {
    "xgboost": scan_xgboost,
    "lightgbm": scan_lightgbm,
    "composition": scan_alone,
    "rules": scan_rules,
    "torch-export": scan_torch,
}
"""How a format is looked into that is one file without anything beside it."""


def detect(data: bytes) -> str:
    """The format by its first bytes: one that a runtime loads, or zip, pickle, compressed, text, empty or unknown.

    A pickle may be compressed as joblib does it; `compressed` is what decompresses to something else.
    """
    if not data:
        return "empty"
    if data.startswith(b"PK\x03\x04"):
        return _zip_form(data)
    if _is_pickle(data):
        return "pickle"
    marked = next((form for form, begins in _MARKED.items() if begins(data)), "")
    if marked or kind_of(data):
        return marked or kind_of(data)
    if data.startswith(_COMPRESSED):
        return "pickle" if _is_pickle(_head(data)) else "compressed"
    if (
        data[0] == 0x08
        and len(data) > 3
        and data[1] < 0x40
        and data[2] in (0x12, 0x1A, 0x22, 0x2A, 0x32, 0x3A, 0x42)
    ):
        return "onnx"
    if _is_old_pickle(data):
        return "pickle"
    return "text" if _is_text(data[:4096]) else "unknown"


def scan(data: bytes, beside: Mapping[str, bytes] = NOTHING) -> Scan:
    """What the release gate may know of an artifact.

    `untrusted` lists every type or global name outside the allow-list: in a skops file those that loading would
    refuse, in a pickle those its instructions name (a compressed one is not looked into, and the reason says so).
    A skops or ONNX file is admitted when it loads, the latter with its weights in the file or in `beside`; every other
    format by what reading it as data shows.
    """
    form = detect(data)
    if form == "skops":
        return _scan_skops(data)
    if form == "onnx":
        return _scan_onnx(data, beside)
    if form in _SCANS:
        return _SCANS[form](data)
    if form == "pickle" and data.startswith(_COMPRESSED):
        reason = f"{_PICKLE_REASON}; being compressed, it was not looked into"
        return Scan("pickle", admitted=False, untrusted=(), reason=reason)
    if form == "pickle":
        return Scan("pickle", admitted=False, untrusted=tuple(_outside(data)), reason=_PICKLE_REASON)
    reason = _TORCH_REASON if form in ("torchscript", "torch-pickle") else "it is not one that is admitted"
    return Scan(form, admitted=False, untrusted=(), reason=f"the format ({form}): {reason}")


def _scan_skops(data: bytes) -> Scan:
    refused: tuple[str, ...] = ()
    try:
        refused = tuple(name for name in reported_types(data) if refusal(name))
        load_skops(data)
    except ArtifactError as error:
        return Scan("skops", admitted=False, untrusted=refused, reason=error.what)
    return Scan("skops", admitted=True, untrusted=(), reason="every type is on the allow-list, trees are checked")


def _scan_onnx(data: bytes, beside: Mapping[str, bytes]) -> Scan:
    try:
        OnnxRuntime().open(data, beside)
    except ArtifactError as error:
        return Scan("onnx", admitted=False, untrusted=(), reason=error.what)
    where = f"weights in {shortlist(list(beside))}" if beside else "no weights outside the file"
    return Scan("onnx", admitted=True, untrusted=(), reason=f"onnxruntime loads it; {where}")


def _zip_form(data: bytes) -> str:
    """The format of a zip by the names in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "zip"
    if "schema.json" in names:
        return "skops"
    if is_program(names):
        return "torch-export"
    # Both are zips around a pickle; what tells them apart are TorchScript's constants.
    if any(name.endswith("/constants.pkl") for name in names):
        return "torchscript"
    return "torch-pickle" if any(name.endswith("/data.pkl") for name in names) else "zip"


def _is_pickle(data: bytes) -> bool:
    return data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _head(data: bytes) -> bytes:
    """The first bytes of a compressed file; empty when it does not decompress."""
    try:
        if data.startswith((b"\x1f\x8b", b"\x78")):
            return zlib.decompressobj(wbits=47).decompress(data, 16)
        if data.startswith(b"BZh"):
            return bz2.BZ2Decompressor().decompress(data, 16)
        return lzma.LZMADecompressor().decompress(data, 16)
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        return b""


def _is_old_pickle(data: bytes) -> bool:
    """Protocols 0 and 1 have no mark of their own: such a file is one when its instructions reach their end."""
    if data[0:1] not in (b"(", b"c", b"]", b"}", b"I", b"N", b"L", b"F", b"S", b"V", b"K"):
        return False
    try:
        for _ in pickletools.genops(data):
            pass
    except Exception:  # noqa: BLE001 - pickletools raises many kinds on what is no pickle
        return False
    return True


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        text = head[: error.start].decode() if error.start > len(head) - 4 else "\x00"
    return "\x00" not in text


def _outside(data: bytes) -> list[str]:
    return sorted({f"{module}.{name}" for module, name in _globals(data) if not admitted(module, name)})


def _globals(data: bytes) -> Iterator[tuple[str, str]]:
    """Globals a pickle names, as far as reading its instructions without running them shows.

    joblib puts array bytes between instructions; what follows the first of them is not seen.
    """
    texts: list[str] = []
    memo: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
                yield module, name
            elif code.name == "STACK_GLOBAL" and len(texts) > 1:
                yield texts[-2], texts[-1]
            elif code.name == "MEMOIZE":
                memo.append(texts[-1] if texts else "")
            elif code.name in ("BINGET", "LONG_BINGET") and int(argument or 0) < len(memo):
                texts.append(memo[int(argument or 0)])
            elif isinstance(argument, str):
                texts.append(argument)
    except Exception:  # noqa: BLE001 - pickletools raises many kinds where instructions end and array bytes begin
        return
