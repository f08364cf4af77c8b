"""Where a running process says that it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roadworthy.apps.embedded import RUNNING, running_server
from roadworthy.cli.files import write_new
from roadworthy.domain.errors import ConflictError


def refuse_second(root: Path) -> None:
    """Refuse to start a second server on a workspace.

    Raises:
        ConflictError: one answers already; names its address.
    """
    running = running_server(root)
    if running is not None:
        raise ConflictError(
            f"a server of this workspace runs at {running}", remedy="Use it, or stop it first.", url=running
        )


@contextmanager
def announced(root: Path, url: str, beside: str = "") -> Iterator[None]:
    """`server.json` says where this process answers, until the block ends; `server-NAME.json` of one beside it."""
    path = root / (f"server-{beside}.json" if beside else RUNNING)
    mine = json.dumps({"url": url, "pid": os.getpid()})
    write_new(path, mine.encode(), replace=True)
    try:
        yield
    finally:
        if path.exists() and path.read_text() == mine:
            path.unlink()
