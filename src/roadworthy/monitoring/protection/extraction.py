"""Extraction: a client whose rows lie further apart than any honest client's do is copying the model.

Whoever copies a model asks where the answers teach most: rows made up, shuffled or moved on purpose, which lie further
from each other than honest rows. After PRADA, with three changes that measuring on tabular data asked for: distances
of each row to the nearest earlier one with the same decision are held against those of honest windows, where PRADA asks
whether they are normal, which those of honest tabular rows are not; only larger distances count, as an honest client
with one narrow kind of customer has smaller ones; and they are counted in windows, so that memory is bounded and an old
customer is judged as a new one. Honest windows differ among themselves (any rows, rows of one month): the nearest of
several honest distributions counts.

Not seen: copying with honest rows, and copying spread over many clients.

Reference: Juuti, Szyller, Marchal & Asokan 2019, EuroS&P (PRADA).
"""

from __future__ import annotations

import numpy as np

from roadworthy.monitoring.protection.profile import Seen, TrafficProfile, TrafficWindow, gaps
from roadworthy.statistics.frame import Floats

ID = "extraction"


def measure(profile: TrafficProfile, window: TrafficWindow) -> Seen:
    """How far (0..1) the window's distances lie above the nearest honest distribution of them."""
    apart = gaps(window, by_decision=True)
    gap = min(excess(np.asarray(one), apart) for one in profile.apart) if len(apart) else 0.0
    return Seen(gap, f"the distances between its rows lie above honest ones by {gap:.2f}")


def excess(reference: Floats, sample: Floats) -> float:
    """One-sided Kolmogorov-Smirnov distance: how much more of `reference` than of `sample` lies below any value.

    Args:
        reference: ascending; both hold at least one value.
    """
    ordered = np.sort(sample)
    both = np.concatenate([reference, ordered])
    first = np.searchsorted(reference, both, side="right") / len(reference)
    second = np.searchsorted(ordered, both, side="right") / len(ordered)
    return max(0.0, float((first - second).max()))
