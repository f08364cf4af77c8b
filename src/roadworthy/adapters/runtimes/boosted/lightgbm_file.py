"""A LightGBM model's text as checked values, and as text written from those values alone.

The text says how long its own parts are and LightGBM jumps by those lengths, so the original is never given to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.boosted.links import MOST_BYTES, crafted, one_parent_each, within
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.statistics.frame import Array

START = b"tree\nversion="
OBJECTIVES = ("binary", "cross_entropy")
"""Objectives whose prediction is one number in 0..1."""

_CATEGORICAL = 1
_MOST_FEATURES = 1 << 20


@dataclass(frozen=True, slots=True)
class LightgbmFile:
    """What the file holds: the model's columns, their categories in the order of their codes, and the text."""

    names: tuple[str, ...]
    rewritten: str
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)


def is_lightgbm(data: bytes) -> bool:
    """Whether the bytes begin as LightGBM's text does."""
    return data.startswith(START)


def read_lightgbm(data: bytes) -> LightgbmFile:
    """The file's values, every index checked.

    Raises:
        ArtifactError: no LightGBM model, a damaged one, trees with linear leaves, or another objective than one that
            answers with a probability of two classes.
    """
    if len(data) > MOST_BYTES:
        raise ArtifactError(
            f"the LightGBM model has {len(data):,} bytes", remedy=f"At most {MOST_BYTES:,} are read."
        )
    if not is_lightgbm(data):
        raise ArtifactError("this is not a LightGBM model", remedy="Save it with save_model('model.txt').")
    try:
        return _checked(data.decode())
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise crafted(f"not what LightGBM writes ({type(error).__name__}: {str(error)[:80]})") from error


def _checked(text: str) -> LightgbmFile:
    head, *blocks = text.split("\nTree=")
    if not blocks or "\nend of trees" not in blocks[-1] or "\nend of parameters" not in blocks[-1]:
        raise crafted("no end of its trees and parameters")
    blocks[-1], _, rest = blocks[-1].partition("\nend of trees")
    said = _fields(head)
    objective = said["objective"].split()
    if objective[0] not in OBJECTIVES or int(said["num_class"]) != 1 or int(said["num_tree_per_iteration"]) != 1:
        raise ArtifactError(
            f"the LightGBM model has the objective {said['objective'][:80]!r} and {said['num_class'][:20]} classes",
            remedy=f"Train with one of {shortlist(OBJECTIVES)}: a score is the probability of one of two classes.",
        )
    names = tuple(said["feature_names"].split())
    width = int(said["max_feature_idx"]) + 1
    if not 0 < width <= _MOST_FEATURES or len(names) != width or len(set(names)) != width:
        raise crafted(f"{len(names)} column names and {width} columns")
    trees = [_tree(block, position, width) for position, block in enumerate(blocks)]
    lines = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={width - 1}", f"objective={' '.join(_objective(objective))}",
        *(["average_output"] if "average_output" in head.split("\n") else []),
        f"feature_names={' '.join(names)}", f"feature_infos={' '.join(['none'] * width)}", "",
    ]  # fmt: skip
    body = "\n".join([*lines, *trees, "end of trees", ""])
    return LightgbmFile(names, body, _categories(rest, names))


def _fields(block: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in block.split("\n"):
        name, equals, value = line.partition("=")
        if equals and name in found:
            raise crafted(f"'{name[:80]}' twice")
        if equals:
            found[name] = value
    return found


def _objective(words: list[str]) -> Iterator[str]:
    """The objective's name and its numbers, read and written again."""
    yield words[0]
    for word in words[1:]:
        name, _, value = word.partition(":")
        if name == "sigmoid":
            yield f"sigmoid:{float(value)!r}"


def _tree(block: str, position: int, width: int) -> str:
    """One tree as text, from its checked numbers."""
    number, _, block = block.partition("\n")
    said = _fields(block)
    leaves, n_sets = int(said["num_leaves"]), int(said["num_cat"])
    if int(number) != position or leaves < 1 or n_sets < 0:
        raise crafted("trees that do not exist")
    if int(said.get("is_linear", "0")) != 0:
        raise ArtifactError(
            f"tree {position} of the LightGBM model has linear leaves", remedy="Train with linear_tree=false."
        )
    lines: dict[str, Any] = {"num_leaves": leaves, "num_cat": n_sets}
    values = _floats(said["leaf_value"], leaves)
    if leaves > 1:
        lines |= _splits(said, leaves - 1, n_sets, width)
    lines |= {"leaf_value": _written(values), "is_linear": 0, "shrinkage": repr(float(said.get("shrinkage", "1")))}
    return "\n".join([f"Tree={position}", *(f"{k}={v}" for k, v in lines.items()), "", ""])


def _splits(said: dict[str, str], inner: int, n_sets: int, width: int) -> dict[str, str]:
    columns, kinds = _whole(said["split_feature"], inner), _whole(said["decision_type"], inner)
    thresholds = _floats(said["threshold"], inner)
    left, right = _whole(said["left_child"], inner), _whole(said["right_child"], inner)
    within(columns, 0, width, "a column")
    within(kinds, 0, 16, "a kind of split")
    for children in (left, right):
        within(children, -inner - 1, inner, "a child")
    # Leaves are negative: leaf k is written as -(k + 1). Numbered behind the inner nodes, all are nodes of one tree.
    nodes = [np.where(c >= 0, c, inner + ~c) for c in (left, right)]
    one_parent_each(nodes, 2 * inner + 1)
    found = {
        "split_feature": _written(columns),
        "threshold": _written(thresholds),
        "decision_type": _written(kinds),
        "left_child": _written(left),
        "right_child": _written(right),
    }
    by_set = thresholds[(kinds & _CATEGORICAL) != 0]
    within(by_set, 0, n_sets, "a category set")
    if not np.array_equal(by_set, np.floor(by_set)):
        raise crafted("a category set that does not exist")
    if n_sets:
        bounds = _whole(said["cat_boundaries"], n_sets + 1)
        words = _whole(said["cat_threshold"], int(bounds[-1]))
        within(words, 0, 1 << 32, "a category")
        if bounds[0] != 0 or (np.diff(bounds) < 0).any():
            raise crafted("a category set that does not exist")
        found |= {"cat_boundaries": _written(bounds), "cat_threshold": _written(words)}
    return found


def _whole(text: str, length: int) -> Array:
    return _parsed(text, length, np.int64)


def _floats(text: str, length: int) -> Array:
    found = _parsed(text, length, np.float64)
    if np.isnan(found).any():
        raise crafted("a number that is none")
    return found


def _parsed(text: str, length: int, dtype: Any) -> Array:
    words = text.split()
    if len(words) != length:
        raise crafted(f"{len(words)} numbers where {length} are due")
    return np.array([dtype(word) for word in words], dtype=dtype)


def _written(values: Array) -> str:
    return " ".join(map(repr, values.tolist()))


def _categories(rest: str, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The categories of each column that was one of pandas' categoricals, in the order of their codes."""
    lines = rest.split("\n")
    kept = [line for line in lines if line.startswith("pandas_categorical:")]
    sets = json.loads(kept[-1].partition(":")[2]) if kept else None
    if not sets:
        return {}
    said = [line for line in lines if line.startswith("[categorical_feature: ")]
    columns = [int(word) for word in said[-1][len("[categorical_feature: ") : -1].split(",")] if said else []
    if len(columns) != len(sets) or any(not 0 <= c < len(names) for c in columns):
        raise crafted("categories of columns that do not exist")
    if any(not isinstance(text, str) for texts in sets for text in texts):
        raise ArtifactError(
            "the LightGBM model has categories that are no text", remedy="Train on categories that are text."
        )
    return {names[c]: tuple(texts) for c, texts in zip(columns, sets, strict=True)}
