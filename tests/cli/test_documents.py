"""Files of fields, and short spellings."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.cli.documents import read_document, read_limit, read_point
from roadworthy.domain.errors import SettingError


@pytest.mark.parametrize(
    ("name", "text"),
    [("terms.yaml", "unit: EUR\ntarget: 2\n"), ("terms.json", '{"unit": "EUR", "target": 2}')],
    ids=["yaml", "json"],
)
def test_yaml_and_json_read_alike(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_document(tmp_path / name, ("unit", "target")) == {"unit": "EUR", "target": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targt: 2", "Did you mean 'target'?"),
        ("- 1", "holds no fields"),
        ("unit: [", "no valid YAML"),
        ("", "holds no fields"),
    ],
    ids=["typo", "list", "broken", "empty"],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text(text)
    with pytest.raises(SettingError, match=r"terms\.yaml") as problem:
        read_document(path, ("unit", "target"))
    assert said in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="No such file"):
        read_document(tmp_path / "gone.yaml", ("unit",))


@pytest.mark.parametrize(
    ("text", "bound", "limit", "unit", "expression"),
    [
        ("calls: acted * 1.0 <= 0.2 calls", "at-most", 0.2, "calls", "acted * 1.0"),
        ("reach: acted >= -1e-3", "at-least", -0.001, "", "acted"),
        ("old: CASE WHEN age >= 70 AND acted THEN 1 ELSE 0 END <= 0.05 share", "at-most", 0.05, "share", None),
    ],
    ids=["with-unit", "without-unit", "comparison-inside"],
)
def test_a_limit_is_read_from_its_short_spelling(
    text: str, bound: str, limit: float, unit: str, expression: str | None
) -> None:
    found = read_limit(text)
    assert (found["bound"], found["limit"], found["unit"]) == (bound, limit, unit)
    assert found["expression"] == (expression or "CASE WHEN age >= 70 AND acted THEN 1 ELSE 0 END")


@pytest.mark.parametrize("text", ["", "calls", "calls: acted", "calls: acted <= many", "acted <= 1"], ids=repr)
def test_a_limit_spelled_otherwise_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingError, match="for example"):
        read_limit(text)


def test_a_decision_points_kind_and_consumer_may_be_left_out() -> None:
    assert read_point("call-list") == {"name": "call-list", "kind": "application", "consumer": "the application"}
    assert read_point("a:process:the centre")["consumer"] == "the centre"
