"""`roadworthy expire`: suspend what has outlived its approval; for a scheduler, or by hand."""

from __future__ import annotations

from typing import Any

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.licence.licence import told


def expire(desk: Desk) -> None:
    """Suspend every activated version whose approval has ended, and say how long the others still hold."""
    with desk.road() as road:
        found = road.ask("POST", "/expiry", list[dict[str, Any]])
    desk.answer(found, *(told(one) for one in found) if found else ["No version is activated."])


app = command(expire)
