"""Checks of the numbers that link the nodes of a tree: every index stays inside its array, every walk ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from roadworthy.domain.errors import ArtifactError
from roadworthy.statistics.frame import Array

MOST_BYTES = 512 << 20
"""A model file larger than this is refused: the check holds it in memory as Python values."""


def integers(values: Any, what: str, *, length: int | None = None) -> Array:
    """Whole numbers as int64 (n,). Raises ArtifactError: others, or another length."""
    array = numbers(values, what, length=length)
    whole = array.astype(np.int64)
    if not np.array_equal(whole, array):
        raise crafted(f"{what} that are not whole numbers")
    return whole


def numbers(values: Any, what: str, *, length: int | None = None) -> Array:
    """Numbers as float64 (n,), NaN allowed. Raises ArtifactError: no numbers, or another length."""
    if not isinstance(values, list) or not all(type(v) in (int, float) for v in values):
        raise crafted(f"{what} that are no list of numbers")
    if length is not None and len(values) != length:
        raise crafted(f"{len(values)} {what} where {length} are due")
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise crafted(f"{what} beyond any number") from error
    if (np.abs(array[np.isfinite(array)]) > 1e300).any():
        raise crafted(f"{what} beyond any number")
    return array


def within(values: Array, low: Any, high: Any, what: str) -> None:
    """Refuse unless low <= every value < high. Raises ArtifactError."""
    if ((values < low) | (values >= high)).any():
        raise crafted(f"{what} that does not exist")


def one_parent_each(children: Sequence[Array], n_nodes: int, root: int = 0) -> None:
    """Refuse unless the inner nodes' children form one tree below `root`. Raises ArtifactError.

    `children` hold node numbers, already known to be in 0..n_nodes-1. In a tree every node but the root has one
    parent; with that many links, and all reached from the root, no walk can return to where it was.
    """
    counts = np.bincount(np.concatenate([np.zeros(0, dtype=np.int64), *children]), minlength=n_nodes)
    counts[root] += 1
    if (counts > 1).any():
        raise crafted("a node with two parents")


def crafted(what: str) -> ArtifactError:
    """The refusal of a file that no library wrote."""
    return ArtifactError(
        f"the model's file names {what}",
        remedy="It is damaged or was crafted; save the model again from its training run.",
    )
