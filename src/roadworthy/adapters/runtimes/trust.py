"""Which type names in a skops file are admitted beyond those skops itself trusts.

Admitted: classes that scikit-learn defines in Python, and its compiled `Tree`, whose node indices `trees.py` checks
after loading. Refused: all functions but one (a file could name
any), other compiled classes (their memory layout comes from
the file and nothing checks it; nearest-neighbour trees are the common case), and everything that is not
scikit-learn.

The risk that stays: a file fills the attributes of admitted classes with values of its choice. That can make a
model answer wrongly, raise, or be slow, which gates and the gateway see; it names no code to run.
"""

from __future__ import annotations

import importlib
import re
import sys

EXACT = frozenset({"numpy.dtype", "functools.partial", "sklearn.utils.validation.check_array"})
"""Admitted by name: array types, and what histogram boosting keeps to prepare categories (a partial calls only a
function that is itself admitted)."""

NATIVE_CHECKED = frozenset({"sklearn.tree._tree.Tree"})
_EXCLUDED = ("sklearn.externals", "sklearn.datasets", "sklearn.conftest", "sklearn.utils._testing")
_NAME = re.compile(r"sklearn(\.[A-Za-z_]\w*)+")


def refusal(name: str) -> str:
    """Why a type name is not admitted; empty when it is."""
    if name in EXACT:
        return ""
    if not _NAME.fullmatch(name):
        return "not part of scikit-learn"
    if ".tests." in name or name.startswith(tuple(f"{prefix}." for prefix in _EXCLUDED)):
        return "a part of scikit-learn that no model needs"
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return "unknown to the installed scikit-learn"
    if not isinstance(found, type) or f"{found.__module__}.{found.__qualname__}" != name:
        return "not a class that scikit-learn defines there"
    if name in NATIVE_CHECKED or _is_python(module):
        return ""
    return "a compiled class whose content cannot be checked (for nearest neighbours use algorithm='brute')"


def _is_python(module: str) -> bool:
    return str(getattr(sys.modules[module], "__file__", "")).endswith(".py")
