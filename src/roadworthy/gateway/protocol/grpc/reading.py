"""Messages of the protocol to rows, and an answer to a message.

Data come as `contents` or as `raw_input_contents` (bytes as in `protocol/binary.py`); the answer comes the same way.
The parameters `unit_id`, `unit_ids` and `request_ids` are those of the JSON form; a list is written as JSON text, as a
parameter of gRPC has no list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from roadworthy.gateway.protocol.binary import packed
from roadworthy.gateway.protocol.codec import OUTPUTS, Body, Tensor, Wanted, rows_of
from roadworthy.gateway.protocol.columns import Contract, malformed, shown
from roadworthy.gateway.protocol.grpc.messages import MESSAGES
from roadworthy.gateway.protocol.whose import Parameters
from roadworthy.gateway.request import Answer, Asked, Form, Limits, Rows

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Datatype -> where its values are. FP16 has no such place: it comes as bytes only."""

_LISTS = ("unit_ids", "request_ids")
_IGNORED = ("binary_data_output",)


class MessageReader:
    """Reads one request that came as a message. Implements `codec.Reader`."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __call__(self, asked: Asked, contract: Contract, limits: Limits, *, arrived: float) -> Rows:
        """The rows of the request.

        Raises:
            InputError: anything malformed; `field` is the path of the offending part.
        """
        sent = self._message
        raw = _raw(sent)
        request = Body(
            inputs=[_tensor(one, i, in_bytes=raw[i] is not None) for i, one in enumerate(sent.inputs)],
            id=sent.id,
            parameters=_parameters(sent.parameters),
            outputs=[Wanted(one.name) for one in sent.outputs],
        )
        return rows_of(request, raw, asked.version, contract, limits, arrived)


def answered(answer: Answer, form: Form, *, in_bytes: bool) -> Any:
    """An answer as a `ModelInferResponse`; a held-out row's score is NaN."""
    versions = set(answer.versions)
    message = MESSAGES["ModelInferResponse"](
        model_name=answer.endpoint, model_version=versions.pop() if len(versions) == 1 else "", id=answer.id
    )
    message.parameters["deployment"].string_param = answer.deployment
    message.parameters["revision"].int64_param = answer.revision
    message.parameters["fallback"].bool_param = any(answer.fallback)
    message.parameters["request_ids"].string_param = msgspec.json.encode(answer.request_ids).decode()
    values: dict[str, Sequence[Any]] = {"score": answer.scores, "acted": answer.acted, "arm": answer.arms}
    for name, datatype in OUTPUTS:
        if form.outputs and name not in form.outputs:
            continue
        output = message.outputs.add(name=name, datatype=datatype, shape=[len(answer.scores)])
        if in_bytes:
            message.raw_output_contents.append(packed(datatype, values[name]))
        else:
            getattr(output.contents, CONTENTS[datatype]).extend(_sendable(datatype, values[name]))
    return message


def _sendable(datatype: str, values: Sequence[Any]) -> list[Any]:
    if datatype == "BYTES":
        return [value.encode() for value in values]
    return [float("nan") if value is None else value for value in values]


def _raw(sent: Any) -> list[memoryview | None]:
    if not sent.raw_input_contents:
        return [None] * len(sent.inputs)
    if len(sent.raw_input_contents) != len(sent.inputs):
        raise malformed(
            "raw_input_contents",
            f"there are {len(sent.raw_input_contents)} raw contents for {len(sent.inputs)} inputs",
            "Send the bytes of every input, in order, or none.",
        )
    return [memoryview(one) for one in sent.raw_input_contents]


def _tensor(sent: Any, index: int, *, in_bytes: bool) -> Tensor:
    unknown = sorted(set(sent.parameters) - {"binary_data_size"})  # KServe's client says it here too
    if unknown:
        name = unknown[0]
        raise malformed(
            f"inputs[{index}].parameters", f"there is no parameter {shown(name)} of an input", "Leave it out."
        )
    given = [field.name for field, _ in sent.contents.ListFields()]
    expected = CONTENTS.get(sent.datatype)
    if any(name != expected for name in given):
        raise malformed(
            f"inputs[{index}].contents",
            f"column {shown(sent.name)} of {shown(sent.datatype)} has its values in {given[0]}",
            f"Send them in {expected}." if expected else "Send them in raw_input_contents.",
        )
    data = msgspec.UNSET if in_bytes and not given else _values(sent, expected, index)
    return Tensor(name=sent.name, shape=list(sent.shape), datatype=sent.datatype, data=data)


def _values(sent: Any, place: str | None, index: int) -> list[Any]:
    values = list(getattr(sent.contents, place)) if place else []
    if place == "bytes_contents":
        return [_text(value, f"inputs[{index}].contents", row) for row, value in enumerate(values)]
    return [None if v != v else v for v in values]  # noqa: PLR0124 - NaN is what differs from itself


def _text(value: bytes, field: str, row: int) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise malformed(field, f"row {row} is not UTF-8", "Send UTF-8 text.") from None


def _parameters(sent: Mapping[str, Any]) -> Parameters:
    given: dict[str, Any] = {}
    for name in sorted(sent):
        choice = sent[name].WhichOneof("parameter_choice")
        value = getattr(sent[name], choice) if choice else None
        if name in _IGNORED:
            continue
        given[name] = _list(name, value) if name in _LISTS else value
    try:
        return msgspec.convert(given, Parameters)
    except msgspec.ValidationError as error:
        raise malformed(
            "parameters",
            f"the parameters do not fit: {str(error)[:200]}",
            "Allowed: unit_id; unit_ids and request_ids as JSON lists of ids.",
        ) from None


def _list(name: str, value: Any) -> list[Any]:
    try:
        return msgspec.json.decode(value if isinstance(value, str) else "", type=list[str | int])
    except msgspec.DecodeError:
        raise malformed(
            f"parameters.{name}", f"{name} is no JSON list of ids", 'Write it so: ["a", "b"].'
        ) from None
