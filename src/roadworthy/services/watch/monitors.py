"""The monitors that watch every endpoint; their names go into the hand-over and the alerts."""

from __future__ import annotations

MONITORS = (
    "data-quality",
    "data-drift",
    "score-drift",
    "mathematical-drift",
    "business-drift",
    "value",
    "serving",
    "label-coverage",
    "protection",
)
