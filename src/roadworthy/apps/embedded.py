"""A workspace opened in this process: the same API over a loopback port, for scripts and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import local_token, open_control
from roadworthy.apps.settings import read_settings
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.ports import Clock
from roadworthy.sdk import Road, connect
from roadworthy.sdk.transport import TIMEOUT_S

RUNNING = "server.json"
"""Written by `roadworthy up` while it runs: where it answers. Servers beside it write `server-NAME.json`."""


@contextmanager
def open_workspace(
    workspace: str | Path,
    actor: str = "",
    clock: Clock | None = None,
    engine: WorkEngine | None = None,
    token: str = "",
) -> Iterator[Road]:
    """A connection to a workspace: to the server that runs on it, else to one that lives as long as the block.

    Without a `token` of one's own, the workspace's is used, for which one must be able to read its file.
    """
    settings = read_settings(Path(workspace))
    running = running_server(settings.root)
    if running is not None:
        with connect(running, token or local_token(settings), actor) as road:
            yield road
        return
    with (
        open_control(settings, clock, engine) as control,
        BackgroundServer(control.app) as server,
        httpx.Client(base_url=server.url, timeout=TIMEOUT_S) as client,
    ):
        yield Road(client, token or control.token, actor)


def running_server(root: Path) -> str | None:
    """The address of a server that runs on a workspace, when one answers."""
    for path in (root / RUNNING, *sorted(root.glob("server-*.json"))):
        try:
            url = str(json.loads(path.read_text())["url"])
            httpx.get(f"{url}/v2/health/live", timeout=2.0).raise_for_status()
        except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError, httpx.InvalidURL):
            continue
        return url
    return None
