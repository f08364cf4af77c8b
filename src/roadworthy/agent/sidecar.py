"""The loop of `roadworthy agent FILE`: reports a file's lines, and that it lives, until it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from roadworthy.agent.delivery import Delivery
from roadworthy.agent.lines import Lines
from roadworthy.agent.reporter import Reporter


def follow(
    path: Path,
    reporter: Reporter,
    now: Callable[[], datetime],
    stop: threading.Event,
    *,
    every_s: float,
    told: Callable[[Delivery], None],
) -> Delivery:
    """Report until `stop` is set, then once more; `told` hears after every round how it went."""
    lines = Lines(path, now)
    delivery = Delivery(reporter, lines, now())
    try:
        while True:
            stopping = stop.is_set()
            delivery.flush()
            told(delivery)
            if stopping:
                return delivery
            stop.wait(delivery.wait_s(every_s))
    finally:
        lines.close()
