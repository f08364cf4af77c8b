"""Every error class survives being kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from roadworthy.adapters.failures import rebuild, record
from roadworthy.domain import errors
from roadworthy.domain.errors import RoadworthyError


def _tree(root: type[RoadworthyError]) -> Iterator[type[RoadworthyError]]:
    yield root
    for cls in root.__subclasses__():
        yield from _tree(cls)


OURS = [cls for cls in _tree(RoadworthyError) if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", OURS, ids=lambda c: c.__name__)
def test_every_class_of_our_tree_comes_back_as_itself(cls: type[RoadworthyError]) -> None:
    error = cls("it broke", remedy="Mend it.", key="k", where={"a": [1]})
    again = rebuild(json.loads(json.dumps(record(error))))
    assert type(again) is cls
    assert isinstance(again, RoadworthyError)
    assert (str(again), again.what, again.remedy, again.fields) == (
        str(error),
        error.what,
        error.remedy,
        error.fields,
    )


def test_a_field_that_is_not_json_is_kept_as_text() -> None:
    again = rebuild(record(errors.DataError("bad", remedy="Do.", where={1, 2})))
    assert isinstance(again, RoadworthyError)
    assert again.fields == {"where": "{1, 2}"}


@pytest.mark.parametrize("error", [KeyError("k"), ValueError("v", 3), OSError(28, "full")], ids=repr)
def test_built_in_errors_keep_their_class_and_arguments(error: Exception) -> None:
    again = rebuild(json.loads(json.dumps(record(error))))
    assert (type(again), again.args) == (type(error), error.args)


def test_a_built_in_error_with_arguments_json_lacks_is_told_by_name() -> None:
    again = rebuild(record(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")))
    assert "UnicodeDecodeError" in str(again)
