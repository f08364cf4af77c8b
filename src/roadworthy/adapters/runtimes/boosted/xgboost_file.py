"""An XGBoost model's file (JSON or UBJSON) as checked values, and as JSON written from those values alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.boosted import ubjson
from roadworthy.adapters.runtimes.boosted.links import (
    MOST_BYTES,
    crafted,
    integers,
    numbers,
    one_parent_each,
    within,
)
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.statistics.frame import Array

UBJ = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner"
_JSON = re.compile(rb'\s*\{\s*"(learner|version)"\s*:\s*[{\[]')
OBJECTIVES = ("binary:logistic", "reg:logistic")
"""Objectives whose prediction is one number in 0..1."""

_NONE = -1
_NO_PARENT = 2**31 - 1
_ASCII = 128
_MOST_CATEGORIES = 1 << 14
_PER_NODE = (
    "base_weights", "default_left", "left_children", "loss_changes", "parents", "right_children",
    "split_conditions", "split_indices", "split_type", "sum_hessian",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class XgboostFile:
    """What the file holds. `iterations` is how many rounds of trees answer (0 = all)."""

    document: dict[str, Any]
    width: int
    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    iterations: int = 0

    @property
    def rewritten(self) -> bytes:
        """The model as JSON, from the checked values."""
        return json.dumps(self.document).encode()


def is_xgboost(data: bytes) -> bool:
    """Whether the bytes begin as XGBoost's two formats do."""
    return data.startswith(UBJ) or _JSON.match(data[:100]) is not None


def read_xgboost(data: bytes) -> XgboostFile:
    """The file's values, every index checked.

    Raises:
        ArtifactError: no XGBoost model, a damaged one, another booster than trees, another objective than one that
            answers with a probability of two classes.
    """
    try:
        return _checked(_parsed(data))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise crafted(f"not what XGBoost writes ({type(error).__name__}: {str(error)[:80]})") from error


def _parsed(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        raise ArtifactError(
            f"the XGBoost model has {len(data):,} bytes", remedy=f"At most {MOST_BYTES:,} are read."
        )
    if not is_xgboost(data):
        raise ArtifactError(
            "this is not an XGBoost model", remedy="Save it with save_model('model.ubj') or 'model.json'."
        )
    if data.startswith(UBJ):
        return ubjson.decode(data)
    try:
        return json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise crafted(f"no JSON ({str(error)[:80]})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise crafted("a field twice")
    return found


def _checked(document: Any) -> XgboostFile:
    learner = document["learner"]
    objective, about = str(learner["objective"]["name"]), learner["learner_model_param"]
    if objective not in OBJECTIVES or int(about["num_class"]) > 1 or int(about["num_target"]) != 1:
        raise ArtifactError(
            f"the XGBoost model has the objective {objective[:80]!r}, {int(about['num_class'])} classes and"
            f" {int(about['num_target'])} targets",
            remedy=f"Train with one of {shortlist(OBJECTIVES)}: a score is the probability of one of two classes.",
        )
    width = int(about["num_feature"])
    booster, model = _booster(learner["gradient_booster"])
    names = tuple(str(n) for n in learner.get("feature_names") or ())
    if not 0 < width < 1 << 24 or (names and (len(names) != width or len(set(names)) != width)):
        raise crafted(f"{len(names)} column names and {width} columns")
    trees, param = model["trees"], model["gbtree_model_param"]
    if int(param["num_trees"]) != len(trees) or integers(model["tree_info"], "trees", length=len(trees)).any():
        raise crafted("trees that do not exist")
    rounds = _rounds(model, len(trees))
    for position, tree in enumerate(trees):
        _check_tree(tree, position, width)
    if booster == "dart":
        numbers(learner["gradient_booster"]["weight_drop"], "weights of trees", length=len(trees))
    categories = _categories(model.get("cats"), names)
    model["cats"] = {"enc": [], "feature_segments": [], "sorted_idx": []}  # codes are looked up before XGBoost
    best = str(learner.get("attributes", {}).get("best_iteration", ""))
    iterations = min(int(best) + 1, rounds) if best.isdecimal() else 0
    return XgboostFile(document, width, names, categories, iterations)


def _booster(about: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    booster = str(about["name"])
    if booster not in ("gbtree", "dart"):
        raise ArtifactError(
            f"the XGBoost model is a {booster[:80]}",
            remedy="Train with booster gbtree or dart; a linear model is better handed in as scikit-learn's.",
        )
    return booster, about["gbtree"]["model"] if booster == "dart" else about["model"]


def _rounds(model: dict[str, Any], n_trees: int) -> int:
    """How many rounds of training the trees come from."""
    indices = integers(model["iteration_indptr"], "rounds")
    if len(indices) == 0 or indices[0] != 0 or indices[-1] != n_trees or (np.diff(indices) < 0).any():
        raise crafted("rounds that do not exist")
    return len(indices) - 1


def _check_tree(tree: dict[str, Any], position: int, width: int) -> None:
    about = tree["tree_param"]
    n_nodes = int(about["num_nodes"])
    if n_nodes < 1 or int(about["num_deleted"]) != 0 or int(about["size_leaf_vector"]) > 1:
        raise ArtifactError(
            f"tree {position} of the XGBoost model is pruned in place or answers several targets",
            remedy="Save the model from its training run; one output per tree is read.",
        )
    if int(about["num_feature"]) != width or int(tree["id"]) != position:
        raise crafted("a tree of another model")
    for name in _PER_NODE:
        numbers(tree[name], name, length=n_nodes)
    left, right = (integers(tree[f"{side}_children"], "children") for side in ("left", "right"))
    if ((left == _NONE) != (right == _NONE)).any():
        raise crafted("a node with one child")
    inner = left != _NONE
    for children in (left[inner], right[inner]):
        within(children, 1, n_nodes, "a child")
    one_parent_each((left[inner], right[inner]), n_nodes)
    tree["parents"] = _parents(left, right, inner)  # XGBoost follows them when it loads, unchecked
    within(integers(tree["default_left"], "default directions"), 0, 2, "a direction")
    within(integers(tree["split_indices"], "columns"), 0, width, "a column")
    within(integers(tree["split_type"], "kinds of splits"), 0, 2, "a kind of split")
    _check_categories(tree, n_nodes)


def _parents(left: Array, right: Array, inner: Array) -> list[int]:
    """Every node's parent, as the children say."""
    parents = np.full(len(left), _NO_PARENT, dtype=np.int64)
    for children in (left, right):
        parents[children[inner]] = np.flatnonzero(inner)
    return [int(p) for p in parents]


def _check_categories(tree: dict[str, Any], n_nodes: int) -> None:
    nodes = integers(tree["categories_nodes"], "nodes with categories")
    starts = integers(tree["categories_segments"], "categories", length=len(nodes))
    sizes = integers(tree["categories_sizes"], "categories", length=len(nodes))
    values = integers(tree["categories"], "categories")
    within(nodes, 0, n_nodes, "a node")
    within(values, 0, _MOST_CATEGORIES, "a category")
    if (
        (np.diff(nodes) <= 0).any()
        or (starts < 0).any()
        or (sizes < 0).any()
        or (starts + sizes > len(values)).any()
    ):
        raise crafted("categories that do not exist")
    if sorted(np.flatnonzero(tree["split_type"]).tolist()) != nodes.tolist():
        raise crafted("a split by categories without categories")


def _categories(cats: Any, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The categories of each column that has some, in the order of their codes."""
    found: dict[str, tuple[str, ...]] = {}
    for position, column in enumerate((cats or {}).get("enc", [])):
        ends = integers(column["offsets"], "categories") if "offsets" in column else np.zeros(0, dtype=np.int64)
        if "offsets" not in column and column.get("values"):
            raise ArtifactError(
                f"column {position} of the XGBoost model has categories that are numbers",
                remedy="Train on categories that are text.",
            )
        if len(ends) == 0:
            continue
        letters = integers(column["values"], "letters")
        if ((letters < 0) | (letters >= _ASCII)).any():
            # XGBoost 3.2 counts characters where it stores bytes: what it wrote cannot be told apart any more.
            raise ArtifactError(
                f"column {position} of the XGBoost model has categories outside ASCII, which XGBoost cuts in its files",
                remedy="Train on categories of plain letters, digits and signs.",
            )
        text = bytes(letters.tolist())
        if not names or (np.diff(ends) < 0).any() or ends[0] != 0 or ends[-1] != len(text):
            raise crafted("categories that do not exist")
        texts = tuple(text[a:b].decode() for a, b in pairwise(ends))
        found[names[position]] = texts
    return found
