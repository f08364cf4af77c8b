"""Perturbation clusters: a client who sends the same row again and again, moved a little, is looking for the boundary.

Two rows are near copies when they are nearer than nearly all honest rows are to an earlier one, and not the same row:
who asks again about the same customer is no attacker. Honest rows have a near copy here and there; a search for the
boundary gathers many around one row. How many of them got the other decision than that row is told with it: those found
the boundary.

References: Chen, Carlini & Wagner 2020, SPAI (stateful detection of black-box attacks); Brendel, Rauber & Bethge 2018,
ICLR (boundary attack).
"""

from __future__ import annotations

from roadworthy.monitoring.protection.profile import SAME, Seen, TrafficProfile, TrafficWindow
from roadworthy.monitoring.protection.space import distances

ID = "perturbation-cluster"


def measure(profile: TrafficProfile, window: TrafficWindow) -> Seen:
    """Largest share (0..1) of rows that are near copies of one and the same row."""
    apart = distances(window.points, window.points)
    near = (apart > SAME) & (apart < profile.near_below)
    middle = int(near.sum(axis=1).argmax())
    share = float(near[middle].mean())
    flipped = int((near[middle] & (window.acted != window.acted[middle])).sum())
    return Seen(share, f"{share:.0%} of its rows are near copies of one, {flipped} of them with the other decision")
