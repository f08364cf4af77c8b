"""Which endpoint names a document can be kept under."""

from __future__ import annotations

from urllib.parse import quote, unquote

from roadworthy.domain.errors import InputError

SUFFIX = ".json"
_LONGEST = 255 - len(SUFFIX)


def file_name(endpoint: str) -> str:
    """A file name for any endpoint: whatever is not a letter, digit or one of `_.-~` is percent-encoded.

    Raises:
        InputError: an empty name, or one too long for a file name.
    """
    try:
        name = quote(endpoint, safe="")
    except UnicodeEncodeError:
        name = ""
    if not 0 < len(name) <= _LONGEST:
        raise InputError(
            f"{endpoint[:60]!r} cannot name an endpoint",
            remedy=f"Use valid text of 1 to {_LONGEST} characters (fewer when they are not plain ASCII).",
            field="endpoint",
        )
    return name + SUFFIX


def endpoint_of(name: str) -> str:
    """The endpoint a file name stands for."""
    return unquote(name.removesuffix(SUFFIX))
