"""Open Inference Protocol v2, REST: a JSON body to typed columns, and an answer to a JSON body.

    {"id": "r-1",
     "parameters": {"unit_id": "customer-7"},            or "unit_ids": [...], and "request_ids": [...], one per row
     "inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": [41]}, ...]}

With the header `Inference-Header-Content-Length` a tensor may be bytes after the JSON part instead (`binary.py`).
`outputs` names the outputs wanted, all when it is not there.

One tensor per column, of shape [n] or [n, 1], data flat or nested likewise. `request_ids` default to `id` (with one
row) or `id` + "/" + row; `unit_ids` default to the request ids, so each row is then assigned to an arm by itself.
`timeout`, as in Triton, is in microseconds: later the answer is of no use to its caller.
Everything that is not this is an InputError that names the field, in words the caller can act on.

Source: Open Inference Protocol (KServe v2), REST, inference request and response JSON objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from roadworthy.domain.errors import InputError
from roadworthy.domain.model import DType
from roadworthy.gateway.protocol.binary import cut, packed, split, unpacked
from roadworthy.gateway.protocol.columns import (
    Contract,
    from_values,
    malformed,
    refuse_datatype,
    refuse_fractions,
    shown,
)
from roadworthy.gateway.protocol.matrix import columns_of, is_matrix, specs_of
from roadworthy.gateway.protocol.whose import PLAIN, Parameters, identities, rows_with
from roadworthy.gateway.request import Answer, Asked, Form, Limits, Rows
from roadworthy.statistics.frame import Array

T = TypeVar("T")
Scalar = None | bool | int | float | str


class TensorParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How many of the bytes after the JSON part are this column's."""

    binary_data_size: int | None = None


class Tensor(msgspec.Struct, forbid_unknown_fields=True):
    """One input column as sent: `data`, or bytes after the JSON part."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Scalar | list[Scalar]] | msgspec.UnsetType = msgspec.UNSET
    parameters: TensorParameters = msgspec.field(default_factory=TensorParameters)


class WantedParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Whether an output is wanted as bytes; without a word, as `binary_data_output` of the request says."""

    binary_data: bool | None = None


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """An output the caller asks for."""

    name: str
    parameters: WantedParameters = msgspec.field(default_factory=WantedParameters)


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """An inference request as sent. KServe's client repeats the endpoint as `model_name`: the path's is what counts."""

    inputs: list[Tensor]
    id: str | int = ""
    parameters: Parameters = msgspec.field(default_factory=Parameters)
    outputs: list[Wanted] = []
    model_name: str = ""


_decoder = msgspec.json.Decoder(Body)
_AT = re.compile(r" - at `(?P<path>[^`]*)`$")
OUTPUTS = (("score", "FP64"), ("acted", "BOOL"), ("arm", "BYTES"))
"""What every answer carries, with datatypes."""


class Reader(Protocol):
    """Knows how one kind of body is written."""

    def __call__(self, asked: Asked, contract: Contract, limits: Limits, *, arrived: float) -> Rows:
        """The rows of a request. Raises InputError."""
        ...


def decode(asked: Asked, contract: Contract, limits: Limits, *, arrived: float) -> Rows:
    """The rows of an Open Inference request.

    Args:
        asked: the request.
        contract: the columns the endpoint takes.
        limits: most rows, longest id.
        arrived: `time.perf_counter()` at arrival.

    Raises:
        InputError: anything malformed; `field` is the path of the offending part.
    """
    text, rest = split(asked.body, asked.declared) if asked.declared else (asked.body, memoryview(b""))
    request = parse_as(_decoder, text, "Send an Open Inference Protocol v2 request: inputs, id, parameters.")
    _refuse_duplicate_keys(text, request)
    raw = cut(rest, [t.parameters.binary_data_size for t in request.inputs])
    return rows_of(request, raw, asked.version, contract, limits, arrived)


def rows_of(
    request: Body,
    raw: Sequence[memoryview | None],
    version: str,
    contract: Contract,
    limits: Limits,
    arrived: float,
) -> Rows:
    """The rows of a request whose text was read; `raw` are the bytes of its tensors, None where they are `data`.

    Raises:
        InputError: it asks for what is not there, or its tensors do not fit the contract or each other.
    """
    first = request.inputs[0] if len(request.inputs) == 1 else None
    if first is not None and is_matrix(first.name, first.shape, contract):
        specs = specs_of(first.name, first.shape, first.datatype, contract, limits)
        n_rows = first.shape[0]
        data = None if first.data is msgspec.UNSET else first.data
        columns = columns_of(specs, n_rows, first.datatype, data, raw[0])
        whose = identities(request.id, request.parameters, n_rows, limits)
        return rows_with(columns, whose, contract, version, arrived, _form(request))
    n_rows = _row_count(request.inputs, limits)
    names = [tensor.name for tensor in request.inputs]
    twice = _first_repeated(names)
    if twice is not None:
        raise malformed(
            f"inputs[{twice}].name", f"column {shown(names[twice])} is sent twice", "Send each column once."
        )
    contract.refuse_others(names)
    known = contract.columns
    columns = {
        t.name: _column(t, i, n_rows, contract, raw[i]) for i, t in enumerate(request.inputs) if t.name in known
    }
    whose = identities(request.id, request.parameters, n_rows, limits)
    return rows_with(columns, whose, contract, version, arrived, _form(request))


def encode(answer: Answer, form: Form = PLAIN) -> tuple[bytes, int]:
    """An answer as an inference response, and how long its JSON part is when bytes follow it, else 0.

    A held-out row's score is null, in bytes NaN.
    """
    versions = set(answer.versions)
    parameters: dict[str, Any] = {
        "deployment": answer.deployment,
        "revision": answer.revision,
        "fallback": any(answer.fallback),
        "request_ids": answer.request_ids,
    }
    if parameters["fallback"]:
        parameters["fallback_rows"] = [row for row, fell in enumerate(answer.fallback) if fell]
    values: dict[str, Any] = {"score": answer.scores, "acted": answer.acted, "arm": answer.arms}
    outputs: list[dict[str, Any]] = []
    following: list[bytes] = []
    for name, datatype in OUTPUTS:
        if form.outputs and name not in form.outputs:
            continue
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(answer.scores)]}
        if name in form.binary:
            following.append(packed(datatype, values[name]))
            output["parameters"] = {"binary_data_size": len(following[-1])}
        else:
            output["data"] = values[name]
        outputs.append(output)
    text = msgspec.json.encode(
        {
            "model_name": answer.endpoint,
            "model_version": versions.pop() if len(versions) == 1 else "",
            "id": answer.id,
            "parameters": parameters,
            "outputs": outputs,
        }
    )
    return b"".join((text, *following)), len(text) if following else 0


def _form(request: Body) -> Form:
    names = [name for name, _ in OUTPUTS]
    for index, wanted in enumerate(request.outputs):
        if wanted.name not in names:
            raise malformed(
                f"outputs[{index}].name",
                f"there is no output {shown(wanted.name)}",
                f"There are: {', '.join(names)}.",
            )
    default = request.parameters.binary_data_output
    said = {
        w.name: default if w.parameters.binary_data is None else w.parameters.binary_data for w in request.outputs
    }
    binary = [name for name in said or names if said.get(name, default)]
    return Form(tuple(said), frozenset(binary)) if said or binary else PLAIN


def parse_as(decoder: msgspec.json.Decoder[T], body: bytes, remedy: str) -> T:
    """A body as what `decoder` reads. Raises InputError, naming the field, or where the text is no JSON."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        said = str(error)
        at = _AT.search(said)
        raise InputError(
            f"the request body does not fit the protocol: {said[:300]}",
            remedy=remedy,
            field=at["path"].removeprefix("$").lstrip(".") if at else "body",
        ) from None
    except UnicodeDecodeError as error:
        raise malformed(
            "body", f"the request body is not UTF-8 at byte {error.start}", "Send UTF-8 text."
        ) from None
    except msgspec.DecodeError as error:
        raise malformed(
            "body",
            f"the request body is not JSON: {str(error)[:200]}",
            "Send one complete JSON object; NaN and Infinity are not JSON, a missing value is null.",
        ) from None
    except RecursionError:
        raise _too_deep() from None


def parsed_or_none(body: bytes) -> Body | None:
    """A body as `decode` reads its text, or None where it would refuse."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _too_deep() -> InputError:
    return malformed("body", "the request body is nested too deep", "Nest tensor data at most twice.")


def _refuse_duplicate_keys(body: bytes, request: Body) -> None:
    """Refuse a JSON object that has a key twice: readers disagree on which one counts (RFC 8259, section 4).

    Only a body that might have a repeated key is read a second time, exactly.
    """
    if not no_key_twice(body, request):
        refuse_repeated_keys(body)


def no_key_twice(body: bytes, request: Body) -> bool:
    """Whether counting shows that no object has a key twice.

    What was read shows which keys were certainly there. A key that is there twice, or once with its default, makes more
    than those: then this does not know. Without a backslash, `":` is nothing but the end of a key.
    """
    certain = 1 + len(request.outputs) + (1 if request.outputs else 0) + (1 if request.id != "" else 0)
    certain += 1 if request.model_name else 0
    for tensor in request.inputs:
        certain += 4 if tensor.data is not msgspec.UNSET else 3
        if tensor.parameters.binary_data_size is not None:
            certain += 2
    for output in request.outputs:
        certain += 2 if output.parameters.binary_data is not None else 0
    given = request.parameters
    said = (given.unit_id, given.unit_ids, given.request_ids, given.binary_data_output or None, given.timeout)
    if said != (None, None, None, None, None):
        certain += 6 - said.count(None)
    return body.count(b'":') == certain and b"\\" not in body


def refuse_repeated_keys(body: bytes) -> None:
    """Refuse a key that is twice in one object of a JSON text that was read before. Raises InputError naming it."""
    try:
        json.loads(body, object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)
    except RecursionError:
        raise _too_deep() from None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    twice = _first_repeated(keys)
    if twice is not None:
        raise malformed(
            keys[twice], f"the key {shown(keys[twice])} is there twice in one JSON object", "Send each key once."
        )


def _first_repeated(names: list[str]) -> int | None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            return index
        seen.add(name)
    return None


def _row_count(tensors: list[Tensor], limits: Limits) -> int:
    if not tensors:
        raise malformed("inputs", "the request has no inputs", "Send one tensor per column.")
    for index, tensor in enumerate(tensors):
        shape, field = tensor.shape, f"inputs[{index}].shape"
        if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1) or shape[0] < 1:
            raise malformed(
                field,
                f"column {shown(tensor.name)} has the shape {shape!s:.60}",
                "Send [n] or [n, 1] with n of at least 1.",
            )
        if shape[0] > limits.rows_per_request:
            raise InputError(
                f"the request has {shape[0]} rows",
                remedy=f"Send at most {limits.rows_per_request} rows per request.",
                field=field,
                allowed=limits.rows_per_request,
            )
        first = tensors[0]
        if shape[0] != first.shape[0]:
            raise malformed(
                field,
                f"column {shown(tensor.name)} has {shape[0]} rows, but {shown(first.name)} has {first.shape[0]}",
                "Give every column the same number of rows.",
            )
    return tensors[0].shape[0]


def _column(tensor: Tensor, index: int, n_rows: int, contract: Contract, raw: memoryview | None) -> Array:
    spec = contract.columns[tensor.name]
    refuse_datatype(spec, tensor.datatype, f"inputs[{index}].datatype")
    field = f"inputs[{index}].data"
    if raw is not None:
        if tensor.data is not msgspec.UNSET:
            raise malformed(field, f"column '{spec.name}' has both data and bytes", "Send one of them.")
        return from_values(spec, unpacked(tensor.datatype, raw, n_rows, f"'{spec.name}'", field), field)
    if tensor.data is msgspec.UNSET:
        raise malformed(field, f"column '{spec.name}' has no data", "Send one value per row.")
    values = _flat(tensor.data, tensor, field)
    if len(values) != n_rows:
        raise malformed(
            field,
            f"column '{spec.name}' has {len(values)} values, but the shape {tensor.shape}",
            "Send as many values as the shape says.",
        )
    if spec.dtype is DType.FP64 and tensor.datatype[0] in "IU":
        refuse_fractions(spec.name, values, field)
    return from_values(spec, values, field)


def _flat(data: list[Scalar | list[Scalar]], tensor: Tensor, field: str) -> list[Any]:
    nested = [row for row in data if isinstance(row, list)]
    if not nested:
        return data
    if len(tensor.shape) == 2 and len(nested) == len(data) and all(len(row) == 1 for row in nested):
        return [row[0] for row in nested]
    raise malformed(
        field,
        f"the data of column {shown(tensor.name)} is nested unlike its shape {tensor.shape}",
        "Send a flat list, or for [n, 1] a list of lists of one value.",
    )
