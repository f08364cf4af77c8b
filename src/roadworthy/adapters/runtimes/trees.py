"""Checks of compiled decision trees after loading: every index stays inside its array.

scikit-learn follows child and feature indices of a tree without bounds checks, so a crafted file could make predict
read foreign memory. Here every inner node's children must come after it and exist (which also rules out endless
walks), and every feature it asks for must be among the columns the model is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble._forest import BaseForest  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble._gb import BaseGradientBoosting  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import (  # type: ignore[import-untyped]  # no types
    BaseHistGradientBoosting,
)
from sklearn.ensemble._hist_gradient_boosting.predictor import (  # type: ignore[import-untyped]  # no types
    TreePredictor,
)
from sklearn.tree import BaseDecisionTree  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # scikit-learn ships no types

from roadworthy.domain.errors import ArtifactError

_LEAF = -1
_MOST_OBJECTS = 5_000_000


def check_trees(model: Any) -> None:
    """Refuse a model with a tree whose indices leave their arrays.

    Raises:
        ArtifactError: such a tree, or an object graph of more than five million parts.
    """
    for part in _parts(model):
        if isinstance(part, Tree):
            _check_tree(part, int(part.n_features))
        elif isinstance(part, BaseDecisionTree) and hasattr(part, "tree_"):
            _check_width(part.tree_, _width(part))
        elif isinstance(part, BaseHistGradientBoosting) and hasattr(part, "_predictors"):
            _check_histogram_trees(part)
        elif isinstance(part, BaseForest | BaseGradientBoosting) and hasattr(part, "estimators_"):
            for member in np.ravel(part.estimators_):
                _check_width(member.tree_, _width(part))
        elif isinstance(part, IsolationForest) and hasattr(part, "estimators_"):
            for member, features in zip(part.estimators_, part.estimators_features_, strict=True):
                _check_width(member.tree_, len(features))


def _check_tree(tree: Any, n_features: int) -> None:
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = np.flatnonzero(left != _LEAF)
    n_nodes = len(left)
    for children in (left[inner], right[inner]):
        if ((children <= inner) | (children >= n_nodes)).any():
            raise _crafted("a child that does not exist")
    if ((feature[inner] < 0) | (feature[inner] >= n_features)).any():
        raise _crafted("a feature that does not exist")


def _check_width(tree: Any, width: int) -> None:
    """The tree may only ask for columns that its owner makes sure are there: the first `width`."""
    if not isinstance(tree, Tree):
        raise _crafted(f"a {type(tree).__name__} in place of a tree")
    _check_tree(tree, min(int(tree.n_features), width))


def _check_histogram_trees(model: Any) -> None:
    width = _width(model)
    mapper = getattr(model, "_bin_mapper", None)
    if mapper is not None and len(mapper.is_categorical_) != width:
        raise _crafted("a bin mapper of another width")
    for predictor in _parts(model._predictors):  # noqa: SLF001 - scikit-learn offers no public view of them
        if isinstance(predictor, TreePredictor):
            _check_predictor(predictor, width)


def _check_predictor(predictor: Any, width: int) -> None:
    nodes = predictor.nodes
    n_nodes = len(nodes)
    if n_nodes == 0:
        raise _crafted("no root")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    for side in ("left", "right"):
        children = nodes[side][inner].astype(np.int64)
        if ((children <= inner) | (children >= n_nodes)).any():
            raise _crafted("a child that does not exist")
    features = nodes["feature_idx"][inner].astype(np.int64)
    if ((features < 0) | (features >= width)).any():
        raise _crafted("a feature that does not exist")
    sets = nodes["bitset_idx"][inner][nodes["is_categorical"][inner] != 0].astype(np.int64)
    if (sets >= len(predictor.raw_left_cat_bitsets)).any():
        raise _crafted("a category set that does not exist")


def _width(owner: Any) -> int:
    width = getattr(owner, "n_features_in_", None)
    if not isinstance(width, int | np.integer) or width < 1:
        raise _crafted("an owner without a number of columns")
    return int(width)


def _parts(root: Any) -> Iterator[Any]:
    """Every object reachable from `root` through attributes and containers, each once."""
    stack, seen = [root], set()
    while stack:
        part = stack.pop()
        if isinstance(part, str | bytes | int | float | bool | type(None) | type) or id(part) in seen:
            continue
        seen.add(id(part))
        if len(seen) > _MOST_OBJECTS:
            raise ArtifactError("the model has more than five million parts", remedy="Give a smaller model.")
        yield part
        stack.extend(_children(part))


def _children(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return [*part.keys(), *part.values()]
    if isinstance(part, list | tuple | set | frozenset):
        return list(part)
    if isinstance(part, np.ndarray):
        return list(part.ravel()) if part.dtype.hasobject else []
    return list(getattr(part, "__dict__", {}).values())


def _crafted(what: str) -> ArtifactError:
    return ArtifactError(
        f"a decision tree in the model names {what}",
        remedy="The file is damaged or was crafted; save the model again from its training run.",
    )
