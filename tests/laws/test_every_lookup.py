"""Whatever services look up by several fields has an index of its own.

Without one a database may take the index of one field alone, and read every row of a gate to find one version's.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from roadworthy.domain.ports import AGGREGATES

SOURCE = Path(__file__).parents[2] / "src" / "roadworthy"
NO_FIELDS = {"limit", "offset", "newest_first", "cursor"}
INDEXES = {a.kind.__name__: {tuple(sorted(fields)) for fields in a.together} for a in AGGREGATES}


def _lookups() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Place -> the kind and the fields of every `tx.of(Kind).find(...)` or `.count(...)` by two fields or more."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = node.func.value
            if node.func.attr not in ("find", "count") or not isinstance(of, ast.Call) or not of.args:
                continue
            fields = tuple(sorted(k.arg for k in node.keywords if k.arg and k.arg not in NO_FIELDS))
            if isinstance(of.args[0], ast.Name) and of.args[0].id in INDEXES and len(fields) > 1:
                found[f"{path.relative_to(SOURCE)}:{node.lineno}"] = (of.args[0].id, fields)
    return found


LOOKUPS = _lookups()


def test_there_are_lookups_by_several_fields() -> None:
    assert len(LOOKUPS) > 10


@pytest.mark.parametrize("place", LOOKUPS)
def test_a_lookup_by_several_fields_has_its_index(place: str) -> None:
    kind, fields = LOOKUPS[place]
    assert fields in INDEXES[kind]
