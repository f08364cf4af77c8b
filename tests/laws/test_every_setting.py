"""Laws of the settings: documented at the field, settable in the file and by the environment, never guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest

from roadworthy.apps.settings import FILE, Settings, read_settings
from roadworthy.domain.errors import SettingError, StorageUnavailableError

EVERY = {f.name: f for f in fields(Settings)}
SETTABLE = {name: f for name, f in EVERY.items() if name != "workspace"}
OTHER: dict[str, Any] = {"sync": "off", "log_format": "json", "oidc_roles": "risk=validator"}
"""A value that is not the default, where not just any text will do."""

every_setting = pytest.mark.parametrize("field", EVERY.values(), ids=EVERY)
every_settable = pytest.mark.parametrize("field", SETTABLE.values(), ids=SETTABLE)
NOTHING: Mapping[str, str] = {}


def other(field: Field[Any]) -> Any:
    if isinstance(field.default, bool):
        return not field.default
    if isinstance(field.default, int):
        return field.default + 7
    return OTHER.get(field.name, f"other-{field.name}")


def write(workspace: Path, text: str) -> Path:
    (workspace / FILE).write_text(text)
    return workspace


def toml(value: Any) -> str:
    return json.dumps(value)


@every_setting
def test_every_setting_has_a_default_and_says_what_it_is_and_in_which_unit(field: Field[Any]) -> None:
    assert field.default is not MISSING
    assert len(field.metadata["help"]) > 10
    assert "unit" in field.metadata


@every_settable
def test_every_setting_can_be_given_in_the_file(field: Field[Any], tmp_path: Path) -> None:
    found = read_settings(write(tmp_path, f"{field.name} = {toml(other(field))}\n"), NOTHING)
    assert getattr(found, field.name) == other(field) != field.default
    assert all(getattr(found, n) == f.default for n, f in SETTABLE.items() if n != field.name)


@every_settable
def test_every_setting_can_be_given_by_the_environment_which_wins(field: Field[Any], tmp_path: Path) -> None:
    write(tmp_path, f"{field.name} = {toml(field.default)}\n")
    found = read_settings(tmp_path, {f"ROADWORTHY_{field.name.upper()}": str(other(field)), "HOME": "/"})
    assert getattr(found, field.name) == other(field)


@every_settable
def test_the_file_and_the_environment_give_the_same_settings(field: Field[Any], tmp_path: Path) -> None:
    by_environment = read_settings(tmp_path, {f"ROADWORTHY_{field.name.upper()}": str(other(field))})
    assert read_settings(write(tmp_path, f"{field.name} = {toml(other(field))}"), NOTHING) == by_environment


WRONG = {"a list": "[1]", "a table": "{a = 1}", "a truth": "true", "a fraction": "1.5", "a day": "2026-01-01"}


@every_settable
@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_a_value_of_another_kind_is_refused_by_name(field: Field[Any], value: str, tmp_path: Path) -> None:
    if value == "true" and isinstance(field.default, bool):
        value = "1"
    with pytest.raises(SettingError, match=f"setting '{field.name}' is") as refused:
        read_settings(write(tmp_path, f"{field.name} = {value}\n"), NOTHING)
    assert refused.value.fields["key"] == field.name
    assert type(field.default).__name__ in refused.value.remedy


BEYOND = {
    "port too high": ("port", "65536"),
    "port below": ("port", "-1"),
    "port in words": ("port", '"http"'),
    "workers below": ("check_workers", "-2"),
    "workers beyond": ("check_workers", "257"),
    "seed below": ("seed", "-1"),
    "seed beyond": ("seed", "4294967296"),
    "sync": ("sync", '"sometimes"'),
}


@pytest.mark.parametrize(("key", "value"), BEYOND.values(), ids=BEYOND)
def test_a_value_outside_its_range_is_refused_saying_what_is_allowed(key: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"setting '{key}' is") as refused:
        read_settings(write(tmp_path, f"{key} = {value}\n"), NOTHING)
    assert refused.value.fields["key"] == key
    assert "Allowed" in refused.value.remedy or "kind" in refused.value.remedy


@pytest.mark.parametrize("key", ["prot", "Port", "workspace", "store-url", "metadata"])
def test_an_unknown_key_is_refused_naming_file_key_and_all_that_are_allowed(key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"unknown setting '{key}'") as refused:
        read_settings(write(tmp_path, f'"{key}" = "x"\n'), NOTHING)
    assert str(tmp_path / FILE) in refused.value.what
    assert refused.value.fields["allowed"] == list(SETTABLE)
    assert all(name in refused.value.remedy for name in SETTABLE)


@pytest.mark.parametrize(
    "text", ["port = ", "port: 3", "port = 1\nport = 2", "\x00"], ids=["half", "yaml", "twice", "nul"]
)
def test_a_file_that_is_no_toml_is_refused_naming_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=FILE):
        read_settings(write(tmp_path, text), NOTHING)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match=FILE):
        read_settings(tmp_path, NOTHING)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(StorageUnavailableError, match="cannot be read"):
        read_settings(tmp_path, NOTHING)


def test_without_a_file_and_an_environment_everything_has_its_default(tmp_path: Path) -> None:
    assert read_settings(tmp_path, NOTHING) == Settings(workspace=tmp_path)
    assert read_settings(tmp_path / "not-there", NOTHING).root == (tmp_path / "not-there").resolve()


def test_what_is_meant_for_others_in_the_environment_is_left_alone(tmp_path: Path) -> None:
    others = {"ROADWORTHY_WORKSPACE": "/x", "ROADWORTHY_DATA": "/y", "PORT": "1", "roadworthy_port": "2"}
    assert read_settings(tmp_path, others) == Settings(workspace=tmp_path)


def test_the_environment_of_the_process_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ROADWORTHY_PORT", "0")
    assert read_settings(tmp_path).port == 0


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]
