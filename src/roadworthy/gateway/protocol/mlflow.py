"""MLflow's scoring bodies, so that callers of an MLflow server need only another address.

    {"dataframe_split": {"columns": ["age", "job"], "data": [[41, "clerk"]]}, "params": {"unit_id": "customer-7"}}
    {"dataframe_records": [{"age": 41, "job": "clerk"}], ...}
    {"inputs": {"age": [41], "job": ["clerk"]}, ...}      "instances": as dataframe_records

`params` are the parameters of the Open Inference Protocol (`unit_id`, `unit_ids`, `request_ids`), and `id` may be
beside them. The answer is `{"predictions": [{"score": ..., "acted": ..., "arm": ...}], "request_ids": [...]}`.

Source: MLflow, "Model serving: inference server specification" (accepted JSON inputs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from roadworthy.gateway.protocol.codec import parse_as, refuse_repeated_keys
from roadworthy.gateway.protocol.columns import Contract, from_values, malformed, shown
from roadworthy.gateway.protocol.whose import Parameters, identities, rows_with
from roadworthy.gateway.request import Answer, Asked, Limits, Rows

Record = dict[str, Any]


class Split(msgspec.Struct, forbid_unknown_fields=True):
    """A table as pandas writes it with `orient="split"`; its index says nothing here."""

    columns: list[str]
    data: list[list[Any]]
    index: list[Any] = []


class Invocation(msgspec.Struct, forbid_unknown_fields=True):
    """A scoring request: exactly one of the four tables."""

    dataframe_split: Split | None = None
    dataframe_records: list[Record] | None = None
    instances: list[Record] | None = None
    inputs: dict[str, list[Any]] | None = None
    params: Parameters = msgspec.field(default_factory=Parameters)
    id: str | int = ""


FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_decoder = msgspec.json.Decoder(Invocation)


def read_invocation(asked: Asked, contract: Contract, limits: Limits, *, arrived: float) -> Rows:
    """The rows of a scoring request.

    Raises:
        InputError: anything malformed; `field` is the path of the offending part.
    """
    request = parse_as(_decoder, asked.body, f"Send one of {', '.join(FORMS)}.")
    refuse_repeated_keys(asked.body)
    given = [name for name in FORMS if getattr(request, name) is not None]
    if len(given) != 1:
        said = f"{' and '.join(given)} are both" if given else "no table is"
        raise malformed("body", f"{said} in the request", f"Send exactly one of {', '.join(FORMS)}.")
    form = given[0]
    columns = _columns(request, form)
    contract.refuse_others(tuple(columns))
    counts = {len(values) for values in columns.values()}
    if len(counts) != 1 or not 0 < (n_rows := counts.pop()) <= limits.rows_per_request:
        raise malformed(form, "the columns differ in length, or there are no rows or too many",
                   f"Send 1 to {limits.rows_per_request} rows, every column of the same length.")  # fmt: skip
    known = contract.columns
    typed = {n: from_values(known[n], values, form) for n, values in columns.items() if n in known}
    whose = identities(request.id, request.params, n_rows, limits)
    return rows_with(typed, whose, contract, asked.version, arrived)


def encode_predictions(answer: Answer) -> bytes:
    """An answer as MLflow's callers read it, one record per row."""
    rows = zip(answer.scores, answer.acted, answer.arms, strict=True)
    predictions = [{"score": score, "acted": acted, "arm": arm} for score, acted, arm in rows]
    return msgspec.json.encode({"predictions": predictions, "request_ids": answer.request_ids})


def _columns(request: Invocation, form: str) -> Mapping[str, Sequence[Any]]:
    if request.inputs is not None:
        return request.inputs
    if request.dataframe_split is not None:
        return _of_split(request.dataframe_split)
    return _of_records(getattr(request, form), form)


def _of_split(table: Split) -> dict[str, list[Any]]:
    width = len(table.columns)
    if len(set(table.columns)) != width:
        raise malformed("dataframe_split.columns", "a column is there twice", "Name each column once.")
    for row, values in enumerate(table.data):
        if len(values) != width:
            raise malformed(
                f"dataframe_split.data[{row}]",
                f"row {row} has {len(values)} values for {width} columns",
                "Send one value per column.",
            )
    return {name: [values[place] for values in table.data] for place, name in enumerate(table.columns)}


def _of_records(records: Sequence[Record], form: str) -> dict[str, list[Any]]:
    names = list(records[0]) if records else []
    for row, record in enumerate(records):
        if record.keys() != set(names):
            odd = sorted(record.keys() ^ set(names))
            raise malformed(
                f"{form}[{row}]",
                f"row {row} and row 0 differ in column {shown(odd[0])}",
                "Name the same columns in every row.",
            )
    return {name: [record[name] for record in records] for name in names}
