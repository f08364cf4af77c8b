"""Lets the tests of the printers import the small world they print (`tests/worlds/small_world.py`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "worlds"))
