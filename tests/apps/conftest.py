"""Lets the tests of the composition roots import the small world (`tests/worlds/small_world.py`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "worlds"))
