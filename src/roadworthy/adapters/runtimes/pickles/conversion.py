"""A pickle or joblib file becomes a skops file of the same model, or is refused with the reason.

The pickle is read only in a process of its own (`jail.py`). What comes back is a skops file, loaded here
like any other skops file, and it counts only when both score the sample rows alike.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.pickles.parcel import pack, unpack
from roadworthy.adapters.runtimes.scan import detect
from roadworthy.adapters.runtimes.skops_runtime import SkopsRuntime
from roadworthy.domain.errors import ArtifactError, DataError
from roadworthy.domain.model import Signature
from roadworthy.domain.ports import Columns

PARITY = 1e-9
"""Largest difference of a score between the pickle and its conversion."""

_MEMORY_BYTES = 8 << 30
_CPU_S = 120
_REMEDY = "Save the model again with joblib or pickle, or better with roadworthy's save_skops."


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted model: its skops bytes, and how closely it repeats the pickle's scores on how many rows."""

    artifact: bytes
    model_type: str
    rows: int
    max_difference: float


def convert(pickle: bytes, signature: Signature, sample: Columns, *, timeout_s: float = 180.0) -> Conversion:
    """Convert a pickle or joblib file (plain, or compressed with zlib, gzip, bz2, xz or lzma) to skops.

    `sample` are input columns of at least one row, on which both forms must give the same scores.

    Raises:
        ArtifactError: not a pickle, cut short, naming a global that is not admitted (the message names it), not a
            two-class classifier, or scoring otherwise after conversion.
        DataError: the sample has no rows or lacks a column.
    """
    form = detect(pickle)
    if form != "pickle":
        raise ArtifactError(f"this is not a pickle but {_described(form)}", remedy=_REMEDY, format=form)
    header = {
        "names": list(signature.names),
        "sample": {n: _plain(n, sample) for n in signature.names},
        "memory_bytes": _MEMORY_BYTES,
        "cpu_s": _CPU_S,
    }
    found, artifact = _in_jail(pack(header, pickle), timeout_s)
    if "refused" in found:
        raise ArtifactError(found["refused"], remedy=found.get("remedy") or _REMEDY, type=found.get("type"))
    before = np.array(found["scores"], dtype=np.float64)
    after = SkopsRuntime().load(artifact, signature).predict(sample)
    difference = float(np.max(np.abs(before - after)))
    if not difference <= PARITY:
        raise ArtifactError(
            f"the converted model scores up to {difference:.3g} away from the pickle",
            remedy="Save the model with save_skops where it was trained, so that no conversion is needed.",
            max_difference=difference,
        )
    return Conversion(artifact, found["type"], len(before), difference)


def convert_pickle(pickle: bytes, signature: Signature, sample: Columns) -> bytes:
    """The skops bytes of a converted pickle; see `convert`."""
    return convert(pickle, signature, sample).artifact


def _in_jail(message: bytes, timeout_s: float) -> tuple[dict[str, Any], bytes]:
    command = [sys.executable, "-I", "-m", "roadworthy.adapters.runtimes.pickles.jail"]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as empty:
        try:
            ran = subprocess.run(  # noqa: S603 - our own module, no shell, nothing of the caller's in the command
                command, input=message, capture_output=True, timeout=timeout_s, env=threads, cwd=empty, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ArtifactError(
                f"reading the pickle took longer than {timeout_s:.0f} s", remedy="Give a smaller model."
            ) from error
    if ran.returncode != 0:
        last = ran.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1][:300]
        raise ArtifactError(
            f"the process that read the pickle ended with {ran.returncode}: {last or 'no message'}", remedy=_REMEDY
        )
    return unpack(ran.stdout)


def _plain(name: str, sample: Columns) -> dict[str, Any]:
    if name not in sample:
        raise DataError(f"the sample lacks the column '{name}'", remedy="Give every column of the signature.")
    values = np.asarray(sample[name])
    if len(values) == 0:
        raise DataError("the sample has no rows", remedy="Give some rows of the training data.")
    kind = "i" if values.dtype.kind == "u" else values.dtype.kind
    return {"kind": kind, "values": values.tolist()}


def _described(form: str) -> str:
    return {
        "empty": "an empty file",
        "text": "a text file",
        "compressed": "another compressed file",
        "unknown": "of no known format",
    }.get(form, form)
