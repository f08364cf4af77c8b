"""The locked-down process that reads one pickle: `python -I -m roadworthy.adapters.runtimes.pickles.jail`.

Three fences, from the inside out: the unpickler looks up only admitted names (`allow.py`); an audit hook
stops network, processes, writing and changing files; resource limits stop memory, processor time and file size from
growing. A message on standard input (a JSON header, then the pickle) is answered on standard output (a JSON header,
then the model as skops).
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from typing import Any, BinaryIO

import joblib  # type: ignore[import-untyped]  # joblib ships no types
import numpy as np

from roadworthy.adapters.runtimes.estimator import EstimatorPredictor
from roadworthy.adapters.runtimes.pickles.allow import unpickle
from roadworthy.adapters.runtimes.pickles.parcel import pack, unpack
from roadworthy.adapters.runtimes.skops_runtime import save_skops, skops_io
from roadworthy.domain.errors import RoadworthyError

_FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.", "shutil.",
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.truncate", "os.putenv", "os.kill", "urllib.", "webbrowser.", "sqlite3.", "signal.", "tempfile.",
    "ctypes.",
)  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def answer(header: dict[str, Any], data: bytes) -> bytes:
    """Read a pickle: the model as skops with its scores on the sample, or why not. Call `lock_down` first."""
    try:
        model = unpickle(data)
        skops = save_skops(model)
        names = header["names"]
        columns = {n: _column(header["sample"][n]) for n in names}
        with joblib.parallel_config("sequential"):  # no threads or processes, whatever n_jobs says
            scores = EstimatorPredictor(model, names).predict(columns).tolist()
    except RoadworthyError as error:
        return pack({"refused": error.what, "remedy": error.remedy, "type": error.fields.get("type")}, b"")
    except MemoryError:
        return pack({"refused": "reading the pickle takes too much memory"}, b"")
    except Exception as error:  # noqa: BLE001 - a crafted or damaged pickle may raise anything
        return pack({"refused": f"the pickle cannot be read: {type(error).__name__}: {str(error)[:300]}"}, b"")
    return pack({"scores": scores, "type": type(model).__name__}, skops)


def lock_down(memory_bytes: int, cpu_s: int) -> None:
    """Limit this process for good: memory, processor time, no files written, no network, no processes."""
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(f"the model tried {event}")
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            raise PermissionError(f"the model tried to write the file {arguments[0]}")

    sys.addaudithook(watch)


def _column(kept: dict[str, Any]) -> Any:
    if kept["kind"] == "O":
        out = np.empty(len(kept["values"]), dtype=object)
        out[:] = kept["values"]
        return out
    return np.array(kept["values"], dtype={"f": np.float64, "i": np.int64, "b": np.bool_}[kept["kind"]])


def _private_output() -> BinaryIO:
    """Standard output for the answer alone; whatever else prints goes nowhere."""
    out = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return out


def main() -> None:
    """Read a message, answer it, end."""
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    out = _private_output()
    header, data = unpack(sys.stdin.buffer.read())
    skops_io()  # brings libraries that may not be loaded any more once the doors are closed
    lock_down(header["memory_bytes"], header["cpu_s"])
    out.write(answer(header, data))
    out.flush()


if __name__ == "__main__":
    main()
