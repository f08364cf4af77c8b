"""Each endpoint's rules as a file beside its segments, and the key of the log's pseudonyms.

<folder>/<endpoint>/rules.json    read again whenever it changed
<folder>/pseudonyms.key           made once; who destroys it makes every pseudonym meaningless
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from roadworthy.adapters.disk import disk_errors, make_folder, publish, written_aside
from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.storing.log import LogRules

FILE, KEY = "rules.json", "pseudonyms.key"


class RuleFiles:
    """The rules of every endpoint of one log. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[int, LogRules]] = {}
        self._key = b""

    def of(self, endpoint: Path) -> LogRules:
        """The rules of the endpoint whose folder this is.

        Raises:
            CouldNotVerifyError: its file cannot be understood: nothing is written under rules nobody knows.
        """
        path = endpoint / FILE
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return LogRules()
        known = self._known.get(path)
        if known is None or known[0] != changed:
            known = self._known[path] = (changed, _read(path))
        return known[1]

    def put(self, endpoint: Path, rules: LogRules) -> None:
        """Put rules in force. Raises StorageUnavailableError."""
        with disk_errors("keep the log's rules", endpoint):
            make_folder(endpoint)
            with written_aside((msgspec.json.encode(rules),), endpoint) as aside:
                publish(aside, endpoint / FILE)

    def pseudonym(self, text: str) -> str:
        """HMAC-SHA-256 of a text under the log's key, 128 bits of it, hexadecimal."""
        return hmac.new(self._secret(), text.encode(), hashlib.sha256).hexdigest()[:32]

    def _secret(self) -> bytes:
        if not self._key:
            path = self._folder / KEY
            with disk_errors("keep the key of pseudonyms", self._folder):
                make_folder(self._folder)
                if not path.exists():
                    aside = self._folder / f"{secrets.token_hex(8)}.part"
                    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                    with os.fdopen(handle, "wb") as file:
                        file.write(secrets.token_bytes(32))
                        file.flush()
                        os.fsync(file.fileno())
                    try:
                        os.link(aside, path)  # of several processes the first one's key is everybody's
                    except FileExistsError:
                        pass
                    finally:
                        aside.unlink()
                self._key = path.read_bytes()
        return self._key


def _read(path: Path) -> LogRules:
    try:
        return msgspec.json.decode(path.read_bytes(), type=LogRules)
    except msgspec.DecodeError as error:
        raise CouldNotVerifyError(
            f"the log's rules in {path} cannot be read: {error}",
            remedy="Set the rules again: `roadworthy log ENDPOINT`.",
            path=str(path),
        ) from error
