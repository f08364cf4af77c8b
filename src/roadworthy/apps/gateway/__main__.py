"""Starts the workers of a gateway, and new ones for those that die: `python -m roadworthy.apps.gateway HOST PORT N`.

This process lives as long as the gateway and answers nothing itself, so it imports nothing but the server.
"""

from __future__ import annotations

import sys

from granian import Granian
from granian.constants import Interfaces


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
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
