"""Lets the tests of the adapters import the small worlds (`tests/worlds`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))
