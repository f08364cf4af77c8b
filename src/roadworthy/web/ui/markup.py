"""HTML from values: every text is escaped, whatever a model, a column or a person is called."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Union

VOID = frozenset({"br", "hr", "img", "input", "meta", "line", "rect", "circle", "path", "use"})
"""Elements that have no content."""


class Markup(str):
    """HTML that is safe to show as it is: made by `h`, or written here by hand."""

    __slots__ = ()


Child = Union[str, int, "Markup", None, Iterable["Child"]]
"""Text is escaped, markup is not, None is nothing, a sequence is its items."""


def h(tag: str, *children: Child, **attributes: object) -> Markup:
    """One element. Attribute names lose a trailing `_` and turn other `_` into `-`; None and False leave them out.

    Example:
        >>> h("p", "a < b", class_="note", aria_label="x")
        '<p class="note" aria-label="x">a &lt; b</p>'
    """
    parts = [f"<{tag}"]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f' {key}="{escape(str(value), quote=True)}"')
    if tag in VOID:
        return Markup("".join(parts) + ("/>" if tag in {"line", "rect", "circle", "path", "use"} else ">"))
    return Markup("".join(parts) + ">" + flat(children) + f"</{tag}>")


def flat(child: Child) -> Markup:
    """Children as one piece of markup."""
    if child is None:
        return Markup("")
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int):
        return Markup(escape(str(child), quote=False))
    return Markup("".join(flat(c) for c in child))
