"""From the command `roadworthy gateway` to the gateway's processes."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from roadworthy.apps.listening import bind
from roadworthy.apps.settings import Settings

WORKSPACE = "ROADWORTHY_WORKSPACE"
"""Environment variable that tells a worker which workspace it serves."""


def serve(settings: Settings, workers: int = 1) -> NoReturn:
    """Become the gateway: this process turns into the one that watches the workers, and keeps its number.

    What the command line had in memory is gone then, several times what a server of ONNX models needs.

    Raises:
        PortInUseError: somebody else listens on the port.
    """
    bind(settings.host, settings.port).close()
    os.environ[WORKSPACE] = str(settings.root)
    arguments = [settings.host, str(settings.port), str(workers)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "roadworthy.apps.gateway", *arguments])  # noqa: S606 - our own interpreter on our own module
