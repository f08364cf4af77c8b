"""KPI expressions: one SQL scalar over one decision row, in the business's own words and unit.

Columns: every input column by its own name (in double quotes when it has a dot), and four that every decision has,
which hide input columns of the same names:

    score     DOUBLE   what the model answered, 0..1
    acted     BOOLEAN  whether the action was taken
    outcome   DOUBLE   1 or 0, NULL while unknown
    held_out  BOOLEAN  whether the unit was decided without the model

Evaluated by an in-memory DuckDB that can reach neither files nor network and whose configuration is locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from roadworthy.domain.errors import DataError, ExpressionError
from roadworthy.statistics.frame import Array, Floats, Frame
from roadworthy.value.grammar import CLOSING, OPENING, check_nodes, handles_unknown, select_list

DECISION_COLUMNS = ("score", "acted", "outcome", "held_out")
MAX_LENGTH = 4000

_NUMERIC = ("BOOLEAN", "DOUBLE", "FLOAT", "DECIMAL")
_DIVISION_GIVES_NULL = "error_on_division_by_zero"


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. `columns` are those it reads, `what` names it in messages.

    `explicit_unknown`: the expression says itself what an unknown outcome means (IS NULL, coalesce).
    """

    text: str
    columns: tuple[str, ...]
    what: str
    explicit_unknown: bool = False


def compile_expression(text: str, columns: Iterable[str], what: str) -> Expression:
    """A checked expression over `columns` (input columns) and `DECISION_COLUMNS`.

    `what` names the expression in messages, for example "the value of contract k-1". Types of input columns are not
    known here: a text result is refused here when it reads no input column, else by `evaluate`.

    Raises:
        ExpressionError: it does not parse (with the position), names an unknown column (with the allowed ones and
            the nearest), uses an aggregate, a subquery or a function that is not listed, or is not numeric.
    """
    if not text.strip():
        raise ExpressionError(
            f"{what} is empty", remedy="Write a SQL expression, for example: outcome", expression=what
        )
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"{what} has {len(text)} characters", remedy=f"At most {MAX_LENGTH} are allowed.", expression=what
        )
    allowed = tuple(dict.fromkeys((*columns, *DECISION_COLUMNS)))
    connection = _open()
    try:
        parsed = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [OPENING + text + CLOSING]).fetchone()
    except duckdb.Error as problem:
        raise _engine_error(what, problem) from problem
    finally:
        connection.close()
    root = select_list(str(parsed[0]) if parsed else "", text, what, allowed)
    expression = Expression(text, check_nodes(root, what, allowed), what, handles_unknown(root, "outcome"))
    if set(expression.columns) <= set(DECISION_COLUMNS):
        evaluate(expression, _no_decisions())
    return expression


def evaluate(expression: Expression, frame: Frame) -> Floats:
    """The expression's value per row, shape (n_rows,), booleans as 0 and 1.

    NaN where the value is not known, never 0: where the SQL result is NULL (a missing input, a division by zero),
    and where the outcome is unknown and decides the value. For the second, such a row is computed with outcome 0
    and with outcome 1: it has a value only if both agree. So `CASE WHEN outcome = 1 THEN 50 ELSE -2 END` does not
    book -2 for a decision whose outcome is merely late. An expression that names the case itself (IS NULL,
    coalesce) is taken at its word.

    Raises:
        DataError: the frame lacks a column of the expression.
        ExpressionError: the result is text, a date or infinite, or SQL cannot compute it from these types.
    """
    frame.require(expression.columns, f"the data for {expression.what}")
    values = _run(expression, frame)
    if "outcome" not in expression.columns or expression.explicit_unknown:
        return values
    unknown = frame.missing("outcome")
    if not unknown.any():
        return values
    pending = frame.take(unknown)
    bounds = [_run(expression, pending.with_column("outcome", np.full(pending.n_rows, k))) for k in (0.0, 1.0)]
    values[unknown] = np.where(bounds[0] == bounds[1], bounds[0], np.nan)
    return values


def _run(expression: Expression, frame: Frame) -> Floats:
    table = _table(expression, frame)
    connection = _open()
    try:
        connection.register("decision", table)
        connection.execute(f"{OPENING}{expression.text}{CLOSING} AS value FROM decision")
        kind = str(connection.description[0][1]) if connection.description else ""
        _refuse_text(expression, kind)
        result = connection.fetchnumpy()["value"]
    except duckdb.Error as problem:
        raise _engine_error(expression.what, problem) from problem
    finally:
        connection.close()
    values = np.ma.filled(np.ma.asarray(result).astype(np.float64), np.nan)
    if np.isinf(values).any():
        raise ExpressionError(
            f"{expression.what} is infinite in {int(np.isinf(values).sum())} of {len(values)} rows",
            remedy="Guard the power or the division, for example with nullif(x, 0).",
            expression=expression.what,
        )
    return np.asarray(values, dtype=np.float64)


def _table(expression: Expression, frame: Frame) -> pa.Table:
    # A table needs a column to have rows; NaN must become NULL, or comparisons would call it the largest number.
    arrays = {name: _arrow(frame[name], name) for name in expression.columns}
    return pa.table({**arrays, "_row": pa.array(np.arange(frame.n_rows))})


def _arrow(column: Array, name: str) -> pa.Array[Any]:
    if name in ("score", "outcome"):
        return pa.array(_as_floats(column, name), from_pandas=True)
    if name in ("acted", "held_out") and column.dtype.kind != "b":
        return pa.array([None if v != v else bool(v) for v in _as_floats(column, name).tolist()])  # noqa: PLR0124 - NaN
    if column.dtype.kind == "O" and all(v is None for v in column):
        # A column that is missing throughout has lost its type: NULL fits numbers and text alike.
        return pa.nulls(len(column))
    if column.dtype.kind == "O":
        return pa.array(column.tolist(), type=pa.string())
    return pa.array(column, from_pandas=True)


def _as_floats(column: Array, name: str) -> Floats:
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    if all(v is None for v in column):
        return np.full(len(column), np.nan)
    raise DataError(f"column '{name}' of the decisions is text", remedy="Give it as numbers.", column=name)


def _no_decisions() -> Frame:
    empty, none = np.empty(0, dtype=np.float64), np.empty(0, dtype=np.bool_)
    return Frame({"score": empty, "acted": none, "outcome": empty, "held_out": none})


def _refuse_text(expression: Expression, kind: str) -> None:
    if kind.strip('"') == "NULL" or kind.startswith(_NUMERIC) or ("INT" in kind and kind != "INTERVAL"):
        return
    raise ExpressionError(
        f"{expression.what} gives {kind.lower()}, not a number",
        remedy="Return a number or a truth value, for example with CASE ... THEN 1 ELSE 0 END.",
        expression=expression.what,
    )


def _open() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "ieee_floating_point_ops": "false",
            "threads": "1",
        },
    )
    # DuckDB 2 raises on x / 0 unless told that it means "unknown"; older ones do not know the setting.
    found = connection.execute(
        "SELECT count(*) FROM duckdb_settings() WHERE name = ?", [_DIVISION_GIVES_NULL]
    ).fetchone()
    if found and found[0]:
        connection.execute(f"SET {_DIVISION_GIVES_NULL} = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _engine_error(what: str, problem: duckdb.Error) -> ExpressionError:
    first = str(problem).split("\n", 1)[0][:300]
    return ExpressionError(
        f"{what} cannot be computed: {first}",
        remedy="Check the types of the columns it uses and the values it converts.",
        expression=what,
    )
