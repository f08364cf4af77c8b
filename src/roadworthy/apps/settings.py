"""Settings: a few, grouped, frozen; read from `roadworthy.toml` in the workspace, overridden by the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

from roadworthy.domain.errors import SettingError, StorageUnavailableError
from roadworthy.services.access.rules import AccessRules, lent_roles

FILE = "roadworthy.toml"
"""The settings' file in a workspace."""

RANGES: dict[str, tuple[int, int]] = {
    "port": (0, 65_535),
    "grpc_port": (0, 65_535),
    "seed": (0, 2**32 - 1),
    "checkpoint_every": (1, 100_000),
    "expiry_every_s": (1, 86_400),
    "upkeep_every_s": (1, 86_400),
    "check_workers": (-1, 256),
    "token_max_days": (1, 3_650),
    "session_idle_min": (1, 1_440),
    "session_max_h": (1, 168),
    "requests_per_minute": (1, 1_000_000),
    "failures_per_minute": (1, 10_000),
    "max_body_mb": (1, 1_000),
    "max_upload_mb": (1, 100_000),
    "access_percent": (0, 100),
    "otel_percent": (0, 100),
}
"""Lowest and highest value of every setting that is a number."""

LOG_FORMATS = ("text", "json")
"""How lines of the log may be written."""


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
        metadata={
            "help": "durable work, or postgresql://...; empty = the control store's database when that is PostgreSQL, "
            "else SQLite in the workspace",
            "unit": "URL",
        },
    )
    artifacts: str = field(
        default="artifacts",
        metadata={"help": "folder for artifacts and data sets, or s3://bucket/prefix", "unit": "path or URL"},
    )
    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on", "unit": "address"})
    port: int = field(
        default=8100, metadata={"help": "port of page, API and gateway; 0 = any free one", "unit": "port"}
    )
    grpc_port: int = field(
        default=0,
        metadata={"help": "port of the gateway over gRPC (extra `grpc`); 0 = none", "unit": "port"},
    )
    sync: str = field(
        default="always",
        metadata={
            "help": "'always': a decision is on disk before it is answered; 'off': the system decides",
            "unit": "",
        },
    )
    seed: int = field(default=0, metadata={"help": "seed of every check that draws at random", "unit": ""})
    checkpoint_every: int = field(
        default=100,
        metadata={
            "help": "sign a checkpoint of the change record at least every so many links; fewer leave less of its end "
            "to be rewritten unnoticed, more sign less often",
            "unit": "links",
        },
    )
    expiry_every_s: int = field(
        default=60,
        metadata={
            "help": "how often `up` suspends what has outlived its approval; gateways stop at the signed end by "
            "themselves, so this only bounds how late the fallback takes over",
            "unit": "s",
        },
    )
    upkeep_every_s: int = field(
        default=3600,
        metadata={
            "help": "how often `up` removes decisions that outlived their retention and compacts sealed ones",
            "unit": "s",
        },
    )
    check_workers: int = field(
        default=-1,
        metadata={
            "help": "processes that judge a gate's checks; -1 = one per core; 0 = inside the server, without limits, "
            "and new models are tried there too",
            "unit": "processes",
        },
    )
    executor: str = field(
        default="roadworthy",
        metadata={"help": "this server's own name among those that share `work_url`", "unit": ""},
    )
    administrator: str = field(default="admin", metadata={"help": "first administrator's name", "unit": ""})
    local_acting: bool = field(
        default=True,
        metadata={
            "help": "the workspace's own token may act as any person; off as soon as several people work here",
            "unit": "",
        },
    )
    token_max_days: int = field(default=90, metadata={"help": "longest life of a person's token", "unit": "days"})
    session_idle_min: int = field(
        default=60,
        metadata={"help": "a browser's session ends when nothing was asked for so long", "unit": "minutes"},
    )
    session_max_h: int = field(
        default=12, metadata={"help": "a browser's session ends after this time in any case", "unit": "hours"}
    )
    public_url: str = field(
        default="",
        metadata={
            "help": "where browsers reach this server, when it is behind a proxy; empty = as asked",
            "unit": "URL",
        },
    )
    oidc_issuer: str = field(
        default="",
        metadata={"help": "identity provider people log in by (OpenID Connect); empty = none", "unit": "URL"},
    )
    oidc_client_id: str = field(
        default="", metadata={"help": "how the identity provider knows this installation", "unit": ""}
    )
    oidc_secret_file: str = field(
        default="",
        metadata={
            "help": "file with the client's secret; or set ROADWORTHY_OIDC_CLIENT_SECRET in the environment",
            "unit": "path",
        },
    )
    oidc_roles: str = field(
        default="",
        metadata={
            "help": "roles lent to members of the provider's groups, GROUP=ROLE, GROUP=ROLE; taken back at the next "
            "login without the group",
            "unit": "",
        },
    )
    oidc_groups_claim: str = field(
        default="groups", metadata={"help": "the claim of the ID token that lists the groups", "unit": ""}
    )
    oidc_by_email: bool = field(
        default=False,
        metadata={"help": "a verified e-mail address that is a person's name logs in as that person", "unit": ""},
    )
    requests_per_minute: int = field(
        default=6000, metadata={"help": "requests to the API per person", "unit": "1/min"}
    )
    failures_per_minute: int = field(
        default=20, metadata={"help": "wrong tokens and failed logins per address", "unit": "1/min"}
    )
    max_body_mb: int = field(
        default=16, metadata={"help": "largest request to the API that carries no file", "unit": "MB"}
    )
    max_upload_mb: int = field(
        default=1024, metadata={"help": "largest request to the API that carries a file", "unit": "MB"}
    )

    log_format: str = field(
        default="text",
        metadata={"help": "'text' for people, 'json' for one JSON object per line; on stderr", "unit": ""},
    )
    access_percent: int = field(
        default=0,
        metadata={
            "help": "of a hundred requests to the gateway that went well, so many are logged, and all that failed; "
            "0 = no access log. With one, or with spans, a one-row request is about three times the work",
            "unit": "%",
        },
    )
    otel_endpoint: str = field(
        default="",
        metadata={
            "help": "collector the gateway sends OpenTelemetry spans to, OTLP over HTTP (extra `otel`); empty = none",
            "unit": "URL",
        },
    )
    otel_percent: int = field(
        default=10,
        metadata={
            "help": "of a hundred requests without a trace context, so many are traced; the others follow their caller",
            "unit": "%",
        },
    )

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


def access_rules(settings: Settings) -> AccessRules:
    """The settings that are rules of access; they have the same names there."""
    return AccessRules(**{f.name: getattr(settings, f.name) for f in fields(AccessRules)})


def create_workspace(workspace: Path) -> None:
    """Make the folder and prove that it can be written.

    Raises:
        StorageUnavailableError: it cannot be made or written.
    """
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        # A name of its own: several servers may open one workspace at the same instant.
        with NamedTemporaryFile(dir=workspace, prefix=".write-test-"):
            pass
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
        if kind is bool and isinstance(value, str):
            return {"true": True, "false": False}[value.lower()]
    except (ValueError, KeyError):
        pass
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise SettingError(
            f"setting '{key}' is {value!r}", remedy=f"Give a value of the kind {kind.__name__}.", key=key
        )
    return value


def _in_range(settings: Settings) -> Settings:
    sync_mode(settings.sync)
    if settings.log_format not in LOG_FORMATS:
        raise SettingError(
            f"setting 'log_format' is {settings.log_format!r}",
            remedy=f"Allowed: {', '.join(LOG_FORMATS)}.",
            key="log_format",
        )
    lent_roles(settings.oidc_roles)
    for key, (lowest, highest) in RANGES.items():
        value = getattr(settings, key)
        if not lowest <= value <= highest:
            raise SettingError(f"setting '{key}' is {value}", remedy=f"Allowed: {lowest} to {highest}.", key=key)
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
