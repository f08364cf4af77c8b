"""Where the command line finds a person's token: in the environment or in a file, never among its arguments.

Arguments are seen by everybody on the machine and stay in the shell's history.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roadworthy.domain.errors import SettingError

TOKEN, TOKEN_FILE, URL = "ROADWORTHY_TOKEN", "ROADWORTHY_TOKEN_FILE", "ROADWORTHY_URL"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, and the server it is for; both empty: the workspace's own."""

    token: str = field(default="", repr=False)
    url: str = ""


def read_credentials(environment: Mapping[str, str] | None = None) -> Credentials:
    """The credentials in the environment.

    Raises:
        SettingError: the file cannot be read, or others may read it too; or an address without a token.
    """
    given = os.environ if environment is None else environment
    token = given.get(TOKEN, "").strip()
    if not token and given.get(TOKEN_FILE):
        token = _private(Path(given[TOKEN_FILE]))
    url = given.get(URL, "").strip().rstrip("/")
    if url and not token:
        raise SettingError(
            f"{URL} names a server and there is no token for it",
            remedy=f"Put one into {TOKEN_FILE} or {TOKEN}; an administrator makes it with `roadworthy token create`.",
            field=URL,
        )
    return Credentials(token, url)


def _private(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingError(
                f"the token file '{path}' can be read by others",
                remedy=f"Run `chmod 600 {path}`, and revoke the token if it may have been seen.",
                field=TOKEN_FILE,
            )
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(
            f"the token file '{path}' cannot be read: {type(problem).__name__}",
            remedy=f"Correct {TOKEN_FILE}.",
            field=TOKEN_FILE,
        ) from problem
