"""The actions of the change record, read out of the services' source: every call of `house.record`."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

from scripts.pages.markdown import code, page, table

from roadworthy import services
from roadworthy.domain.gate import Gate
from roadworthy.domain.serving import DeploymentState

_INTRO = """
Whoever changes something leaves a link here: when, who, what, about which subject, why, and the facts. A link
holds the digest of the one before it, so that an edited, cut or reordered record does not verify (`roadworthy
verify`, without a bundle). Nothing is ever deleted.
"""
_ACTION = 2
"""Which argument of `House.record` (after the transaction and the actor) is the action."""

_VALUES: dict[str, tuple[str, ...]] = {
    "gate": tuple(g.value for g in Gate),
    "state": tuple(s.value for s in DeploymentState),
}
"""What a `{...state.value}` in an action may stand for, by the attribute before `.value`."""


def changes_page() -> str:
    """`reference/changes.md`."""
    rows = [(code(action), ", ".join(code(place) for place in places)) for action, places in actions().items()]
    return page("Change record", _INTRO, table(("action", "recorded by"), rows))


def actions() -> dict[str, list[str]]:
    """Every action with the modules (below `services`) that record it."""
    found: dict[str, list[str]] = {}
    root = Path(services.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "record":
                for action in _spelled(call.args[_ACTION]):
                    place = str(path.relative_to(root).with_suffix(""))
                    found.setdefault(action, []).append(place)
    return {action: list(dict.fromkeys(found[action])) for action in sorted(found)}


def _spelled(node: ast.expr) -> list[str]:
    """What an expression may be as text.

    Raises:
        SystemExit: it is spelled in a way this page cannot read.
    """
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return _spelled(node.body) + _spelled(node.orelse)
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in product(*(_spelled(part) for part in node.values))]
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Attribute):
        owner = node.value.value
        if node.value.attr == "value" and isinstance(owner, ast.Attribute) and owner.attr in _VALUES:
            return list(_VALUES[owner.attr])
    raise SystemExit(f"scripts/pages/changes.py cannot read the action `{ast.unparse(node)}`: teach `_VALUES`.")
