"""Open Inference Protocol bodies, from the caller's side: what an application sends and reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.statistics.frame import Floats, Frame


def inference_body(
    frame: Frame,
    signature: Signature,
    unit_ids: Sequence[str],
    request_id: str = "",
    request_ids: Sequence[str] = (),
) -> bytes:
    """The JSON body that asks for scores of a frame's rows; missing values are null."""
    tensors = [_tensor(frame, spec) for spec in signature.inputs if spec.name in frame]
    parameters: dict[str, Any] = {"unit_ids": list(unit_ids)}
    if request_ids:
        parameters["request_ids"] = list(request_ids)
    body: dict[str, Any] = {"inputs": tensors, "parameters": parameters}
    if request_id:
        body["id"] = request_id
    return msgspec.json.encode(body)


def scores_of(answer: Mapping[str, Any]) -> Floats:
    """The scores in an answer, NaN where a row was held out, shape (n_rows,)."""
    output = next(o for o in answer["outputs"] if o["name"] == "score")
    return np.array([np.nan if v is None else v for v in output["data"]], dtype=np.float64)


def _tensor(frame: Frame, spec: ColumnSpec) -> dict[str, Any]:
    column = frame[spec.name]
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f":
        values = [None if v != v else v for v in values]  # noqa: PLR0124 - NaN is what differs from itself
        if spec.dtype is DType.INT64:
            values = [None if v is None else int(v) for v in values]
    return {"name": spec.name, "datatype": spec.dtype.value, "shape": [frame.n_rows], "data": values}
