"""What each worker process of the gateway runs."""

from __future__ import annotations

import os
from pathlib import Path

from roadworthy.apps.data_plane import grpc_faces, open_gateway
from roadworthy.apps.gateway.serving import WORKSPACE
from roadworthy.apps.settings import read_settings
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.express.rsgi import RsgiGateway


def worker_app() -> RsgiGateway:
    """The application of one worker; it writes decision segments under a name of its own."""
    settings = read_settings(Path(os.environ[WORKSPACE]))
    app = GatewayApp(open_gateway(settings, writer=f"gateway-{os.getpid()}"), grpc_faces(settings))
    return RsgiGateway(app)
