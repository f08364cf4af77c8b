"""What each worker process of the gateway runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from roadworthy.apps.data_plane import grpc_faces, open_gateway, watches
from roadworthy.apps.gateway.serving import WORKSPACE
from roadworthy.apps.settings import read_settings
from roadworthy.gateway.app import GatewayApp
from roadworthy.gateway.express.rsgi import RsgiGateway
from roadworthy.gateway.telemetry.logs import write_logs

SWITCH_S = 0.0005
"""Longest time a thread of a worker keeps the others waiting, seconds. Python's own 5 ms is several answers long."""


def worker_app() -> RsgiGateway:
    """The application of one worker; it writes decision segments under a name of its own."""
    sys.setswitchinterval(SWITCH_S)
    settings = read_settings(Path(os.environ[WORKSPACE]))
    write_logs(settings.log_format)
    gateway = open_gateway(settings, writer=f"gateway-{os.getpid()}")
    looking = watches(settings)
    return RsgiGateway(GatewayApp(gateway, grpc_faces(settings, looking), looking))
