"""Clients with dependencies that exclude ours: tried by `make peers` alone, never among the other tests."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("ROADWORTHY_PEERS") else ["test_*.py"]
