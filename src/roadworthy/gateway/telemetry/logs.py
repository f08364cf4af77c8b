"""How lines of the log are written: for people, or as JSON for machines (setting `log_format`)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else was given with it."""


class JsonLines(logging.Formatter):
    """One JSON object per line: `at`, `level`, `logger`, `message`, what came with it, and `error`, a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(said, enc_hook=str).decode()


class Lines(logging.Formatter):
    """One line for people; what was given with the message stands behind it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        given = {n: v for n, v in vars(record).items() if n not in _OWN and v not in ("", None)}
        behind = " ".join(f"{name}={value}" for name, value in given.items())
        return super().format(record) + (f" [{behind}]" if behind else "")


def write_logs(log_format: str) -> None:
    """Write everything this package logs to stderr, in the format the setting names."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else Lines())
    logger = logging.getLogger("roadworthy")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
