"""The gateway as processes of its own: N workers under Granian, living without the control plane."""

from __future__ import annotations

import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

from roadworthy.apps.background import bind
from roadworthy.apps.data_plane import grpc_faces, open_gateway
from roadworthy.apps.settings import Settings, read_settings
from roadworthy.gateway.app import GatewayApp

WORKSPACE = "ROADWORTHY_WORKSPACE"
"""Environment variable that tells a worker which workspace it serves."""


def worker_app() -> GatewayApp:
    """What each worker process runs; it writes decision segments under a name of its own."""
    settings = read_settings(Path(os.environ[WORKSPACE]))
    return GatewayApp(open_gateway(settings, writer=f"gateway-{os.getpid()}"), grpc_faces(settings))


def serve(settings: Settings, workers: int = 1) -> None:
    """Serve until stopped.

    Raises:
        PortInUseError: somebody else listens on the port.
    """
    bind(settings.host, settings.port).close()
    os.environ[WORKSPACE] = str(settings.root)
    Granian(
        "roadworthy.apps.gateway:worker_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        log_access=False,
        respawn_failed_workers=True,  # one that was killed takes no other with it
    ).serve()
