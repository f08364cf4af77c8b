"""What a KPI expression may be made of: allowed syntax, functions and columns, checked on DuckDB's own parse tree.

The tree is checked, not the text, so quoting, comments and nesting cannot smuggle anything past. What is not listed
here is refused: a new DuckDB function is not available to contracts until somebody adds its name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from roadworthy.domain.errors import ExpressionError, shortlist

OPENING = "SELECT (\n"
CLOSING = "\n)"

FUNCTIONS = frozenset(
    {"+", "-", "*", "/", "//", "%", "**", "^", "||", "~~", "!~~", "~~*", "!~~*"}
    | {
        "abs",
        "sign",
        "ceil",
        "ceiling",
        "floor",
        "round",
        "trunc",
        "mod",
        "fmod",
        "sqrt",
        "cbrt",
        "exp",
        "ln",
        "log",
    }
    | {"log2", "log10", "pow", "power", "greatest", "least", "nullif", "if", "isnan", "isfinite", "isinf", "add"}
    | {"subtract", "multiply", "divide", "lower", "upper", "trim", "ltrim", "rtrim", "length", "strlen", "contains"}
    | {"starts_with", "ends_with", "prefix", "suffix", "substr", "substring", "left", "right", "replace", "concat"}
    | {"split_part", "regexp_matches", "regexp_full_match", "year", "quarter", "month", "week", "day", "dayofweek"}
    | {"isodow", "dayofyear", "hour", "minute", "date_part", "datepart", "date_diff", "datediff", "date_trunc"}
    | {"to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds", "epoch"}
)
AGGREGATES = frozenset(
    {
        "sum",
        "avg",
        "mean",
        "count",
        "count_if",
        "count_star",
        "min",
        "max",
        "median",
        "mode",
        "stddev",
        "stddev_pop",
    }
    | {
        "stddev_samp",
        "var_pop",
        "var_samp",
        "variance",
        "quantile",
        "quantile_cont",
        "quantile_disc",
        "first",
        "last",
    }
    | {
        "any_value",
        "list",
        "array_agg",
        "string_agg",
        "arg_min",
        "arg_max",
        "bool_and",
        "bool_or",
        "product",
        "corr",
    }
    | {"covar_pop", "covar_samp", "approx_count_distinct", "approx_quantile", "histogram", "fsum", "kahan_sum"}
)
_CLASSES = frozenset(
    {
        "COLUMN_REF",
        "CONSTANT",
        "FUNCTION",
        "OPERATOR",
        "COMPARISON",
        "CONJUNCTION",
        "CASE",
        "CAST",
        "BETWEEN",
        "TYPE",
    }
)
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "LAMBDA": "a lambda",
    "POSITIONAL_REFERENCE": "a positional reference",
    "COLLATE": "a collation",
    "DEFAULT": "DEFAULT",
}
_NULL_HANDLING = frozenset(
    (
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "OPERATOR_COALESCE",
        "COMPARE_DISTINCT_FROM",
        "COMPARE_NOT_DISTINCT_FROM",
    )
)

Node = dict[str, Any]


def select_list(parsed: str, text: str, what: str, columns: Sequence[str]) -> Node:
    """The one expression in DuckDB's JSON parse of `OPENING + text + CLOSING`.

    Raises:
        ExpressionError: a syntax error (with its position), or more than one scalar expression.
    """
    tree = msgspec.json.decode(parsed)
    if tree.get("error"):
        raise _syntax_error(tree, text, what, columns)
    statements = tree["statements"]
    node = statements[0]["node"]
    extra = any(node.get(part) for part in ("modifiers", "where_clause", "group_expressions", "having", "qualify"))
    extra = extra or bool(node.get("sample")) or bool(node.get("cte_map", {}).get("map"))
    source = node.get("from_table", {}).get("type")
    entries = node.get("select_list", [])
    if len(statements) != 1 or node["type"] != "SELECT_NODE" or extra or source != "EMPTY" or len(entries) != 1:
        raise ExpressionError(
            f"{what} is not one scalar expression: {_excerpt(text)}",
            remedy="Write a single SQL expression over one decision row, without SELECT, FROM, WHERE or commas.",
            expression=what,
        )
    entry: Node = entries[0]
    return entry


def check_nodes(root: Node, what: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns the expression reads, in order of appearance.

    Raises:
        ExpressionError: an unknown column, a function that is not listed, an aggregate, a subquery, ...
    """
    used: dict[str, None] = {}
    for node in _nodes(root):
        kind = node["class"]
        if kind not in _CLASSES:
            quoted = 'The column needs double quotes: "default". ' if kind == "DEFAULT" else ""
            raise ExpressionError(
                f"{what} contains {_REFUSED.get(kind, kind.lower())}",
                remedy=f"{quoted}Use columns, constants, arithmetic, comparisons, CASE and listed functions only.",
                expression=what,
            )
        if kind == "FUNCTION":
            _check_function(str(node["function_name"]), what)
        if kind == "COLUMN_REF":
            used[_column(node["column_names"], what, columns)] = None
    _refuse_twins(list(used), what)
    return tuple(used)


def handles_unknown(root: Node, column: str) -> bool:
    """Whether the expression itself says what an unknown `column` means (IS NULL, coalesce, IS DISTINCT FROM)."""
    return any(
        inner["class"] == "COLUMN_REF" and inner["column_names"] == [column]
        for node in _nodes(root)
        if node["type"] in _NULL_HANDLING
        for inner in _nodes(node)
    )


def _nodes(value: Any) -> Iterator[Node]:
    """Every expression node in a parse tree, parents first."""
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _check_function(name: str, what: str) -> None:
    if name.lower() in FUNCTIONS:
        return
    if name.lower() in AGGREGATES:
        raise ExpressionError(
            f"{what} uses the aggregate '{name}'",
            remedy="A KPI expression is about one decision; its mean over decisions is taken for you.",
            expression=what,
            function=name,
        )
    near = difflib.get_close_matches(name.lower(), sorted(FUNCTIONS), n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    named = sorted(f for f in FUNCTIONS if f[0].isalpha())
    raise ExpressionError(
        f"{what} uses the function '{name}', which is not available",
        remedy=f"{hint}Allowed: {shortlist(named, 80)}.",
        expression=what,
        function=name,
    )


def _column(names: list[str], what: str, columns: Sequence[str]) -> str:
    name = ".".join(names)
    if len(names) == 1 and name in columns:
        return name
    if name in columns:
        raise ExpressionError(
            f"{what} names the column {name} without quotes",
            remedy=f'A name with a dot needs double quotes: "{name}".',
            expression=what,
            column=name,
        )
    folded = {c.lower(): c for c in columns}
    near = difflib.get_close_matches(name.lower(), list(folded), n=1)
    hint = f"Did you mean '{folded[near[0]]}'? " if near else ""
    raise ExpressionError(
        f"{what} names the unknown column '{name}'",
        remedy=f"{hint}Columns: {shortlist(list(columns), 40)}.",
        expression=what,
        column=name,
        allowed=list(columns),
    )


def _refuse_twins(used: list[str], what: str) -> None:
    folded: dict[str, str] = {}
    for name in used:
        twin = folded.setdefault(name.lower(), name)
        if twin != name:
            raise ExpressionError(
                f"{what} uses the columns '{twin}' and '{name}', which SQL cannot tell apart",
                remedy="Rename one of them in the data, or use only one.",
                expression=what,
            )


def _syntax_error(tree: Node, text: str, what: str, columns: Sequence[str]) -> ExpressionError:
    message = str(tree.get("error_message", "syntax error"))
    found = re.search(r'at or near "(.*?)"', message, re.DOTALL)
    near = found.group(1) if found else ""
    # DuckDB counts bytes of the wrapped query; people count characters of what they wrote.
    offset = int(tree.get("position", len(OPENING))) - len(OPENING)
    before = text.encode()[: max(0, offset)].decode(errors="ignore")
    at = len(before) + 1
    if at > len(text):
        place = "at its end: something is missing there"
    else:
        place = f"at character {at}, near '{near.strip()[:40] or text[at - 1 : at + 20]}'"
    quoted = f" If '{near}' is the column, write it in double quotes." if near in columns else ""
    return ExpressionError(
        f"{what} has a syntax error {place}: {_excerpt(text)}",
        remedy=f"Correct the SQL expression.{quoted} Columns: {shortlist(list(columns), 40)}.",
        expression=what,
        position=at,
    )


def _excerpt(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
