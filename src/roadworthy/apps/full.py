"""The control plane with its page. Apart from `control.py`, so that commands without a page start faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.apps.control import Control, open_control
from roadworthy.apps.settings import Settings
from roadworthy.domain.durable.work import WorkEngine
from roadworthy.domain.ports import Clock
from roadworthy.web.ui.pages import mount_pages


@contextmanager
def open_full(
    settings: Settings, clock: Clock | None = None, engine: WorkEngine | None = None
) -> Iterator[Control]:
    """Page, API and gateway of a workspace, until the block ends."""
    with open_control(settings, clock, engine, mount_pages) as control:
        yield control
