"""Documents as typed values: the first field says which kind, unknown fields are refused by name."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
import yaml

from roadworthy.domain.errors import ArtifactError

KINDS = ("rules",)
"""What `roadworthy: KIND/1` may say; each has a runtime."""

MOST_BYTES = 1 << 20
_HEAD = re.compile(rb'(?:\s*#[^\n]*\n)*\s*\{?\s*"?roadworthy"?\s*:\s*"?([a-z]+)/1"?\s*(?:[,}\n]|\Z)')
T = TypeVar("T")


def kind_of(data: bytes) -> str:
    """Which kind of document the bytes begin as; empty when none."""
    found = _HEAD.match(data[:4096])
    kind = found[1].decode() if found else ""
    return kind if kind in KINDS else ""


def read_document(data: bytes, kind: str, model: type[T]) -> T:
    """The document's fields as a `model`.

    Raises:
        ArtifactError: no YAML or JSON, another kind, too large, or a missing, unknown or ill-typed field.
    """
    if kind_of(data) != kind:
        raise ArtifactError(
            f"this is no document that begins with 'roadworthy: {kind}/1'", remedy="Write that line first."
        )
    if len(data) > MOST_BYTES:
        raise ArtifactError(f"the document has {len(data):,} bytes", remedy=f"At most {MOST_BYTES:,} are read.")
    try:
        fields: Any = yaml.load(data, Loader=_Strict)  # noqa: S506 - a SafeLoader that also refuses doubled keys
        if not isinstance(fields, dict):
            raise _unreadable(kind, "it is no list of fields")
        fields.pop("roadworthy", None)
        return msgspec.convert(fields, model)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, TypeError) as error:
        raise _unreadable(kind, " ".join(str(error).split())[:300]) from error


class _Strict(yaml.SafeLoader):
    """YAML's safe loader without doubled keys and without references, which could unfold to any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node that is no reference to another."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses a YAML alias (*name)")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping with each key once."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"it has the field {str(twice)[:80]!r} twice")
        return super().construct_mapping(node, deep)


def _unreadable(kind: str, why: str) -> ArtifactError:
    return ArtifactError(
        f"the {kind} document cannot be read: {why}", remedy=f"See the guide for the fields of {kind}/1."
    )
