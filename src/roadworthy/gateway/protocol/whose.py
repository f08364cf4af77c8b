"""Whose rows a request is about: the ids a caller gave or left out, alike for every kind of body.

`request_ids` default to the request's `id` (with one row) or `id` + "/" + row; `unit_ids` default to the request ids.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from roadworthy.gateway.protocol.columns import Contract, malformed
from roadworthy.gateway.request import Form, Limits, Rows
from roadworthy.statistics.frame import Array

PLAIN = Form()
"""All outputs, as JSON."""


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """Who the rows are about, the caller's own ids for them, and within how many microseconds an answer is of use."""

    unit_id: str | int | None = None
    unit_ids: list[str | int] | None = None
    request_ids: list[str | int] | None = None
    binary_data_output: bool = False
    timeout: int | None = None


def drawn_id() -> str:
    """A random id for a request whose caller gave none: UUID version 4 (RFC 9562), at a third of what `uuid` takes."""
    drawn = bytearray(os.urandom(16))
    drawn[6] = drawn[6] & 0x0F | 0x40
    drawn[8] = drawn[8] & 0x3F | 0x80
    text = drawn.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class Identities:
    """The id of a request, and per row its request id and the unit it is about; `named`: the caller gave those ids.

    `within_s`: seconds in which its caller wants the answer, None = as long as the gateway lets it wait.
    """

    id: str
    request_ids: tuple[str, ...]
    unit_ids: tuple[str, ...]
    named: bool
    within_s: float | None = None


def identities(named: str | int, given: Parameters, n_rows: int, limits: Limits) -> Identities:
    """The ids of a request of `n_rows` rows, as its caller gave them or as they default.

    Raises:
        InputError: ids that are not one per row, nothing that says whom the request is about, or no time to answer.
    """
    if given.timeout is not None and given.timeout < 1:
        raise malformed("parameters.timeout", f"the timeout is {given.timeout}", "Send microseconds, 1 or more.")
    within_s = None if given.timeout is None else given.timeout / 1e6
    request_id = _ids([named], 1, "id", limits)[0] if named != "" else drawn_id()
    if given.request_ids is not None:
        request_ids = _ids(given.request_ids, n_rows, "parameters.request_ids", limits)
        if len(set(request_ids)) != n_rows:
            raise malformed("parameters.request_ids", "a request id is there twice", "Give every row its own.")
    else:
        request_ids = (request_id,) if n_rows == 1 else tuple(f"{request_id}/{row}" for row in range(n_rows))
    unit_ids = _units(given, n_rows, limits)
    if unit_ids is None:
        if named == "" and given.request_ids is None:
            raise malformed(
                "parameters.unit_id",
                "nothing says whom this request is about",
                "Send parameters.unit_id (or unit_ids, one per row): the same unit always gets the same arm.",
            )
        unit_ids = request_ids
    return Identities(request_id, request_ids, unit_ids, bool(named != "" or given.request_ids), within_s)


def _units(given: Parameters, n_rows: int, limits: Limits) -> tuple[str, ...] | None:
    if given.unit_id is not None and given.unit_ids is not None:
        raise malformed("parameters.unit_ids", "both unit_id and unit_ids are there", "Send one of them.")
    if given.unit_id is not None:
        return _ids([given.unit_id], 1, "parameters.unit_id", limits) * n_rows
    if given.unit_ids is not None:
        return _ids(given.unit_ids, n_rows, "parameters.unit_ids", limits)
    return None


def _ids(given: list[str | int], n_rows: int, field: str, limits: Limits) -> tuple[str, ...]:
    if len(given) != n_rows:
        raise malformed(field, f"there are {len(given)} ids for {n_rows} rows", "Send one per row.")
    ids = tuple(map(str, given))
    for row, one in enumerate(ids):
        if not 1 <= len(one) <= limits.id_chars:
            raise malformed(
                field, f"the id of row {row} has {len(one)} characters", f"Send 1 to {limits.id_chars}."
            )
    return ids


def rows_with(
    columns: Mapping[str, Array],
    whose: Identities,
    contract: Contract,
    version: str,
    arrived: float,
    form: Form = PLAIN,
) -> Rows:
    """Rows of typed columns, put in the models' order. Raises InputError: a value outside the declared bounds."""
    columns = contract.bounds.kept(columns, len(whose.unit_ids))
    return Rows(
        columns={name: columns[name] for name in contract.columns if name in columns},
        unit_ids=whose.unit_ids,
        request_ids=whose.request_ids,
        named=whose.named,
        id=whose.id,
        version=version,
        arrived=arrived,
        form=form,
        within_s=whose.within_s,
    )
