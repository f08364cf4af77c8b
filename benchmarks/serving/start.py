"""Become a gateway over one of the benchmark's workspaces: `start.py WORKSPACE PORT WORKERS`.

The workspace is taken as `build` left it; what it decides during the run goes to its own log, on the same disk.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from roadworthy.apps.gateway.serving import WORKSPACE


def main(workspace: str, port: str, workers: str) -> None:
    os.environ[WORKSPACE] = workspace
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    command = [sys.executable, "-P", "-m", "roadworthy.apps.gateway", "127.0.0.1", port, workers]
    os.execv(command[0], command)  # noqa: S606 - our own interpreter on our own module


if __name__ == "__main__":
    main(*sys.argv[1:])
