"""Starts the workers of a gateway, and new ones for those that die: `python -m roadworthy.apps.gateway HOST PORT N`.

This process lives as long as the gateway and answers nothing itself, so it imports nothing but the server.
"""

from __future__ import annotations

import resource
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

HEADER_MS = 15_000
"""A connection on which no whole header comes for so long is closed; one that is kept alive and idle, too."""

FILES_KEPT = 512
"""Files a worker opens beside its connections: segments, models, libraries."""

MOST_CONNECTIONS = 65_536
"""No worker holds more."""


def connections() -> int:
    """How many connections a worker may hold: what its limit of files, raised as far as it goes, leaves room for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    room = MOST_CONNECTIONS if most == resource.RLIM_INFINITY else most - FILES_KEPT
    return max(min(room, MOST_CONNECTIONS), 1)


def main(host: str, port: str, workers: str) -> None:
    """Serve until stopped."""
    Granian(
        "roadworthy.apps.gateway.worker:worker_app",
        address=host,
        port=int(port),
        interface=Interfaces.RSGI,
        workers=int(workers),
        factory=True,
        websockets=False,
        respawn_failed_workers=True,  # one that was killed takes no other with it
        # Granian's own bound counts connections, not requests: 1,024 callers that send nothing held up all others.
        backpressure=connections(),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
