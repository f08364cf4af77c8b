"""What a process of its own does in `test_two_servers.py`: serve one workspace over HTTP until it is told to end."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from roadworthy.adapters.engines.inline import InlineEngine
from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import open_control
from roadworthy.apps.settings import Settings


def serve(root: str, url: str, ends: Connection) -> None:
    """Say address and token, then serve until something, or the end of the other side, comes through the pipe."""
    settings = Settings(workspace=Path(root), store_url=url)
    with open_control(settings, engine=InlineEngine()) as control, BackgroundServer(control.app) as server:
        ends.send((server.url, control.token))
        try:
            ends.recv()
        except EOFError:
            return
