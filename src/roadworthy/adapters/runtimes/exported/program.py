"""An exported program's file (.pt2) as checked values: its operators, their arguments, its weights as raw bytes.

The archive also holds example inputs (a pickle) and guards (Python text); neither is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.exported.operators import CLAIMS, refused
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.statistics.frame import Array

MARK = "archive_format"
MOST_BYTES = 2 << 30
_MODEL, _WEIGHTS, _CONSTANTS = "models/model.json", "data/weights/", "data/constants/"
_KNOWN = (_MODEL, _WEIGHTS, _CONSTANTS, "data/sample_inputs/", "archive_version", "byteorder", ".data/", MARK)
DTYPES = {
    1: np.uint8,
    2: np.int8,
    3: np.int16,
    4: np.int32,
    5: np.int64,
    6: np.float16,
    7: np.float32,
    8: np.float64,
    12: np.bool_,
}
"""Type numbers in the file (torch's serialization schema, `ScalarType`) that are read."""

_PLAIN = {"as_int": int, "as_float": float, "as_bool": bool, "as_string": str, "as_scalar_type": int}
_LISTS = {"as_ints": int, "as_floats": float, "as_bools": bool}


@dataclass(frozen=True, slots=True)
class Named:
    """A value computed before, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class DTypeOf:
    """A type, by its number in the file."""

    number: int


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: its arguments by position and by name, and the names of what it answers."""

    target: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    answers: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor the program takes: its type, and its sizes (0 = any)."""

    name: str
    dtype: Any
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What the file holds."""

    inputs: tuple[Input, ...]
    weights: Mapping[str, Array]
    nodes: tuple[Node, ...]
    output: str


def is_program(names: Sequence[str]) -> bool:
    """Whether a zip with these entries is an exported program."""
    return any(name.endswith(f"/{MARK}") for name in names) and any(name.endswith(f"/{_MODEL}") for name in names)


def read_program(data: bytes) -> Program:
    """The file's values.

    Raises:
        ArtifactError: no exported program, a damaged one, one that holds compiled code or pickled weights, uses an
            operator that is not admitted, or was exported for a fixed number of rows.
    """
    try:
        return _checked(_files(data))
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        RecursionError,
        zipfile.BadZipFile,
    ) as error:
        raise _damaged(f"{type(error).__name__}: {str(error)[:80]}") from error
    except (OSError, NotImplementedError, EOFError, RuntimeError) as error:
        raise _damaged(f"the archive: {type(error).__name__}") from error


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        names = [e.filename.partition("/")[2] for e in entries]
        if sum(e.file_size for e in entries) > MOST_BYTES or len(set(names)) < len(names) or MARK not in names:
            raise _damaged("no archive of one program, or too large")
        strange = [name for name in names if not name.startswith(_KNOWN)]
        if strange:
            raise ArtifactError(
                f"the exported program holds {shortlist(strange)}",
                remedy="Export it with torch.export.save, without compiled code (AOTInductor) or extra files.",
            )
        return {n: archive.read(e) for n, e in zip(names, entries, strict=True) if not n.startswith("data/sample")}


def _checked(files: Mapping[str, bytes]) -> Program:
    module = json.loads(files[_MODEL])["graph_module"]
    graph = module["graph"]
    nodes = tuple(_node(n) for n in graph["nodes"] if n["target"] not in CLAIMS)
    wrong = sorted({n.target for n in nodes if refused(n.target)})
    if wrong:
        raise ArtifactError(
            f"the exported program uses {shortlist([w[:60] for w in wrong])}",
            remedy="Use tensor arithmetic and usual layers in eval mode, or export the model to ONNX.",
            operators=wrong[:20],
        )
    weights: dict[str, Array] = {}
    inputs: list[Input] = []
    for spec in module["signature"]["input_specs"]:
        ((kind, about),) = spec.items()
        if kind == "user_input":
            inputs.append(_input(about["arg"]["as_tensor"]["name"], graph["tensor_values"]))
        elif kind in ("parameter", "buffer", "tensor_constant"):
            folder = _CONSTANTS if kind == "tensor_constant" else _WEIGHTS
            weights[about["arg"]["name"]] = _weight(files, folder, about[f"{kind}_name"])
        else:
            raise _damaged(f"an input of the kind {kind[:40]}")
    ((kind, out),) = module["signature"]["output_specs"][0].items()
    if kind != "user_output" or len(module["signature"]["output_specs"]) != 1:
        raise ArtifactError(
            "the exported program answers several tensors, or changes its own buffers",
            remedy="Export a model in eval mode that answers one tensor of probabilities.",
        )
    output = out["arg"]["as_tensor"]["name"]
    _refuse_unknown_names(nodes, [*weights, *(i.name for i in inputs)], output)
    return Program(tuple(inputs), weights, nodes, output)


def _node(said: Mapping[str, Any]) -> Node:
    arguments, named = [], {}
    for entry in said["inputs"]:
        value = _value(entry["arg"])
        if entry["kind"] == 2:
            named[str(entry["name"])] = value
        else:
            arguments.append(value)
    ((kind, out),) = said["outputs"][0].items()
    if len(said["outputs"]) > 1:
        return Node(
            str(said["target"]), tuple(arguments), named, tuple(_name(o) for o in said["outputs"]), many=True
        )
    if kind == "as_tensors":
        return Node(str(said["target"]), tuple(arguments), named, tuple(str(t["name"]) for t in out), many=True)
    return Node(str(said["target"]), tuple(arguments), named, (_name(said["outputs"][0]),))


def _name(said: Mapping[str, Any]) -> str:
    ((kind, out),) = said.items()
    if kind == "as_tensor":
        return str(out["name"])
    if kind == "as_sym_int":
        return str(out["as_name"])
    raise _damaged(f"an answer of the kind {kind[:40]}")


def _value(said: Mapping[str, Any]) -> Any:
    ((kind, value),) = said.items()
    if kind == "as_none" or kind in ("as_device", "as_memory_format", "as_layout"):
        return None  # where and how tensors lie in memory is decided here
    if kind == "as_scalar_type":
        return DTypeOf(int(value))
    if kind in _PLAIN and type(value) in (_PLAIN[kind], int):
        return value
    if kind in _LISTS and all(type(v) in (_LISTS[kind], int) for v in value):
        return list(value)
    if kind == "as_tensor":
        return Named(str(value["name"]))
    if kind == "as_tensors":
        return [Named(str(v["name"])) for v in value]
    if kind == "as_sym_int":
        return _size(value)
    if kind == "as_sym_ints":
        return [_size(v) for v in value]
    raise _damaged(f"an argument of the kind {kind[:40]}")


def _size(said: Mapping[str, Any]) -> Any:
    ((kind, value),) = said.items()
    return Named(str(value)) if kind == "as_name" else int(value)


def _input(name: str, values: Mapping[str, Any]) -> Input:
    about = values[name]
    sizes = tuple(int(s["as_int"]) if "as_int" in s else 0 for s in about["sizes"])
    if not sizes or sizes[0] != 0:
        raise ArtifactError(
            f"the input '{name[:60]}' of the exported program has the sizes {sizes}, not any number of rows",
            remedy="Export with dynamic_shapes={...: {0: torch.export.Dim('rows')}}, and an example of 2 or more rows.",
        )
    return Input(name, _dtype(about["dtype"]), sizes)


def _weight(files: Mapping[str, bytes], folder: str, name: str) -> Array:
    kind = "weights" if folder == _WEIGHTS else "constants"
    about = json.loads(files[f"{folder}model_{kind}_config.json"])["config"][name]
    meta = about["tensor_meta"]
    if about["use_pickle"]:
        raise ArtifactError(
            f"the weight '{name[:60]}' is pickled",
            remedy="Make it contiguous and export again: model.contiguous().",
        )
    sizes = tuple(int(s["as_int"]) for s in meta["sizes"])
    strides = [int(s["as_int"]) for s in meta["strides"]]
    array = np.frombuffer(files[folder + str(about["path_name"])], dtype=_dtype(meta["dtype"]))
    due = [int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))]
    stretched = [s for s, d, n in zip(strides, due, sizes, strict=True) if s != d and n > 1]
    if stretched or int(meta["storage_offset"]["as_int"]) != 0 or len(array) != int(np.prod(sizes)):
        raise ArtifactError(
            f"the weight '{name[:60]}' is a view of another, or of another size than it says",
            remedy="Make the weights contiguous before exporting.",
        )
    return array.reshape(sizes)


def _dtype(number: Any) -> Any:
    if number not in DTYPES:
        raise _damaged(f"numbers of the type {str(number)[:20]}")
    return DTYPES[number]


def _refuse_unknown_names(nodes: Sequence[Node], given: Sequence[str], output: str) -> None:
    known = set(given)
    for node in nodes:
        wanted = [
            v
            for part in (*node.arguments, *node.named.values())
            for v in (part if isinstance(part, list) else [part])
        ]
        if any(isinstance(v, Named) and v.name not in known for v in wanted):
            raise _damaged("a value that was not computed before")
        known.update(node.answers)
    if output not in known:
        raise _damaged("an output that is not computed")


def _damaged(what: str) -> ArtifactError:
    return ArtifactError(
        f"this is not an exported program that is read here: it holds {what}",
        remedy="Export the model again with torch.export.save of the installed torch.",
    )
