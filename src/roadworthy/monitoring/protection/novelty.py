"""Out of domain: a client who sends rows unlike any the model was trained on, more of them than honest clients do.

A row is out of domain when its nearest training row is further away than those of nearly all honest rows. Distances are
taken after making all directions equally wide (whitening): a row whose values are each usual and together impossible is
far from every training row then. Traffic that drifts away from the training data is out of domain too, whoever sends
it: the monitors of drift say so, and this detector says by which client.

Reference: Mahalanobis 1936 (distances that know how columns go together).
"""

from __future__ import annotations

import numpy as np

from roadworthy.monitoring.protection.profile import Seen, TrafficProfile, TrafficWindow
from roadworthy.monitoring.protection.space import nearest
from roadworthy.statistics.frame import Floats

ID = "out-of-domain"

FLOOR = 1e-3
"""Directions narrower than this share of the widest one's variance count as that wide."""


def measure(profile: TrafficProfile, window: TrafficWindow) -> Seen:
    """Share (0..1) of rows whose nearest training row is further away than `novel_from`."""
    wide = widened(window.points, np.asarray(profile.centre), np.asarray(profile.spread))
    share = float((nearest(wide, np.asarray(profile.reference)) > profile.novel_from).mean())
    return Seen(share, f"{share:.0%} of its rows are unlike any training row")


def widening(points: Floats) -> tuple[Floats, Floats]:
    """The points' centre (n_dimensions,), and the square matrix that makes their directions equally wide."""
    variances, directions = np.linalg.eigh(np.cov(points.T))
    floor = max(FLOOR * float(variances.max()), 1e-12)
    return points.mean(axis=0), directions / np.sqrt(np.maximum(variances, floor))


def widened(points: Floats, centre: Floats, spread: Floats) -> Floats:
    """Points with all directions equally wide, (n_rows, n_dimensions)."""
    return np.asarray((points - centre) @ spread, dtype=np.float64)
