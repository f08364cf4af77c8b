"""Settings: a few, grouped, frozen; read from `roadworthy.toml` in the workspace, overridden by the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from roadworthy.domain.errors import SettingError, StorageUnavailableError

FILE = "roadworthy.toml"
"""The settings' file in a workspace."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is kept and how it is reached. Every path is relative to the workspace.

    Each field can be set in `roadworthy.toml` by its name, or by the environment variable `ROADWORTHY_<NAME>`.
    """

    workspace: Path = field(default=Path(), metadata={"help": "the folder that holds everything", "unit": "path"})
    store_url: str = field(
        default="",
        metadata={
            "help": "control store; empty = SQLite in the workspace, or postgresql+psycopg://...",
            "unit": "URL",
        },
    )
    work_url: str = field(
        default="",
        metadata={"help": "durable work; empty = SQLite in the workspace, or postgresql://...", "unit": "URL"},
    )
    artifacts: str = field(
        default="artifacts",
        metadata={"help": "folder for artifacts and data sets, or s3://bucket/prefix", "unit": "path or URL"},
    )
    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on", "unit": "address"})
    port: int = field(
        default=8100, metadata={"help": "port of page, API and gateway; 0 = any free one", "unit": "port"}
    )
    sync: str = field(
        default="always",
        metadata={
            "help": "'always': a decision is on disk before it is answered; 'off': the system decides",
            "unit": "",
        },
    )
    seed: int = field(default=0, metadata={"help": "seed of every check that draws at random", "unit": ""})
    administrator: str = field(default="admin", metadata={"help": "first administrator's name", "unit": ""})

    @property
    def root(self) -> Path:
        """The workspace, absolute."""
        return self.workspace.resolve()


def read_settings(workspace: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a workspace.

    Raises:
        SettingError: an unknown key, or a value of the wrong kind or outside its range; names file and key.
        StorageUnavailableError: the file is there and cannot be read.
    """
    given: dict[str, Any] = {}
    path = workspace / FILE
    if path.exists():
        try:
            given = tomllib.loads(path.read_text())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise SettingError(f"{path}: {problem}", remedy="Correct the file.", file=str(path)) from problem
        except OSError as problem:
            raise StorageUnavailableError(
                f"the settings '{path}' cannot be read: {problem.strerror}",
                remedy="Make it a file that this user may read, or remove it.",
                file=str(path),
            ) from problem
    kinds = {f.name: type(f.default) for f in fields(Settings) if f.name != "workspace"}
    for key in given:
        if key not in kinds:
            raise SettingError(
                f"{path}: unknown setting '{key}'",
                remedy=f"Allowed: {', '.join(kinds)}.",
                key=key,
                allowed=list(kinds),
            )
    for name, value in (os.environ if environment is None else environment).items():
        key = name.removeprefix("ROADWORTHY_").lower()
        if name.startswith("ROADWORTHY_") and key in kinds:
            given[key] = value
    read = {k: _convert(k, v, kinds[k]) for k, v in given.items()}
    return _in_range(replace(Settings(workspace=workspace), **read))


def create_workspace(workspace: Path) -> None:
    """Make the folder and prove that it can be written.

    Raises:
        StorageUnavailableError: it cannot be made or written.
    """
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        probe = workspace / ".write-test"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        raise StorageUnavailableError(
            f"the workspace '{workspace}' cannot be written: {problem.strerror}",
            remedy="Choose another folder with --workspace, or make this one writable.",
            workspace=str(workspace),
        ) from problem


def _convert(key: str, value: Any, kind: type[Any]) -> Any:
    try:
        if kind is int and isinstance(value, str):
            return int(value)
    except ValueError:
        pass
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise SettingError(
            f"setting '{key}' is {value!r}", remedy=f"Give a value of the kind {kind.__name__}.", key=key
        )
    return value


def _in_range(settings: Settings) -> Settings:
    sync_mode(settings.sync)
    for key, value, highest in (("port", settings.port, 65_535), ("seed", settings.seed, 2**32 - 1)):
        if not 0 <= value <= highest:
            raise SettingError(f"setting '{key}' is {value}", remedy=f"Allowed: 0 to {highest}.", key=key)
    return settings


def sync_mode(value: str) -> Literal["always", "off"]:
    """The decision log's sync mode.

    Raises:
        SettingError: neither 'always' nor 'off'.
    """
    if value == "always":
        return "always"
    if value == "off":
        return "off"
    raise SettingError(f"setting 'sync' is {value!r}", remedy="Allowed: always, off.", key="sync")
