"""One tensor for all columns: shape [n, k], the columns in the order of the endpoint's metadata.

Clients of other servers send their inputs this way. Only numbers can be sent so; the tensor's name is free, as long as
it is no column's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roadworthy.domain.errors import InputError
from roadworthy.domain.model import ColumnSpec, DType
from roadworthy.gateway.protocol.binary import unpacked
from roadworthy.gateway.protocol.columns import (
    Contract,
    from_values,
    malformed,
    refuse_datatype,
    refuse_fractions,
    shown,
)
from roadworthy.gateway.request import Limits
from roadworthy.statistics.frame import Array

NUMBERS = frozenset({DType.FP64, DType.INT64})
DATA = "inputs[0].data"


def is_matrix(name: str, shape: Sequence[int], contract: Contract) -> bool:
    """Whether a request's only tensor is no column, and has two dimensions."""
    return len(shape) == 2 and name not in contract.columns


def specs_of(
    name: str, shape: Sequence[int], datatype: str, contract: Contract, limits: Limits
) -> list[ColumnSpec]:
    """The columns of a matrix, in its order.

    Raises:
        InputError: another number of columns than the endpoint needs, no or too many rows, a column that is no number,
            or a datatype a column does not take.
    """
    specs = [spec for column, spec in contract.columns.items() if column in contract.required]
    field = "inputs[0].shape"
    if shape[1] != len(specs):
        raise malformed(
            field,
            f"there is no column {shown(name)}, and as a tensor of all columns it has {shape[1]} of {len(specs)}",
            "Send one tensor per column by its name, or all columns in the order of the endpoint's metadata.",
        )
    if not 1 <= shape[0] <= limits.rows_per_request:
        raise InputError(
            f"the request has {shape[0]} rows",
            remedy=f"Send 1 to {limits.rows_per_request} rows per request.",
            field=field,
            allowed=limits.rows_per_request,
        )
    for spec in specs:
        if spec.dtype not in NUMBERS:
            raise malformed(
                "inputs[0].name",
                f"column '{spec.name}' is {spec.dtype.value}, and a tensor of all columns holds numbers",
                "Send one tensor per column, by its name.",
            )
        refuse_datatype(spec, datatype, "inputs[0].datatype")
    return specs


def columns_of(
    specs: Sequence[ColumnSpec], n_rows: int, datatype: str, data: Sequence[Any] | None, raw: memoryview | None
) -> dict[str, Array]:
    """The columns of a matrix of `n_rows`, sent as JSON `data` (flat, or one list per row) or as bytes.

    Raises:
        InputError: both or none of them, another number of values than the shape says, or one a column does not take.
    """
    if (data is None) == (raw is None):
        raise malformed(DATA, "the tensor has both data and bytes, or neither", "Send one of them.")
    width = len(specs)
    if raw is not None:
        values: Sequence[Any] = unpacked(datatype, raw, n_rows * width, "of the tensor", DATA)
    else:
        values = flat(data or (), n_rows, width)
    if datatype[0] in "IU":
        for i, spec in enumerate(specs):
            refuse_fractions(spec.name, values[i::width], DATA)
    return {spec.name: from_values(spec, values[i::width], DATA) for i, spec in enumerate(specs)}


def flat(data: Sequence[Any], n_rows: int, width: int) -> Sequence[Any]:
    """The values of a matrix, row after row, of JSON data that is flat or one list per row.

    Raises:
        InputError: another number of values than the shape says.
    """
    values = data
    kinds = set(map(type, data))
    if kinds == {list} and all(len(row) == width for row in data):
        values = [value for row in data for value in row]
    elif list in kinds:
        raise malformed(
            DATA, f"the data is nested unlike its shape {[n_rows, width]}", "Send a flat list, or one list per row."
        )
    if len(values) != n_rows * width:
        raise malformed(
            DATA,
            f"the tensor has {len(values)} values, but the shape {[n_rows, width]}",
            "Send as many numbers as the shape says.",
        )
    return values
