"""Query budgets: a bucket of rows per client that refills at a steady rate.

Reference: Turner 1986, IEEE Communications Magazine 24 (the leaky bucket as a meter).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows left at a moment (seconds of any steady clock)."""

    left: float
    at_s: float


def draw(
    bucket: Bucket | None, rows: int, now_s: float, rows_per_minute: float, burst_rows: float
) -> tuple[Bucket, float]:
    """Take `rows` out of a client's bucket; a client who was never seen has a full one.

    Returns:
        The bucket after, and how many seconds until as many rows would be there; 0 when they were taken. A request of
        more rows than the bucket holds takes a full bucket whole: it is late, never refused for ever.

    Example:
        >>> bucket, wait_s = draw(None, 90, 0.0, rows_per_minute=60, burst_rows=100)
        >>> bucket.left, wait_s
        (10.0, 0.0)
        >>> draw(bucket, 20, 4.0, rows_per_minute=60, burst_rows=100)
        (Bucket(left=14.0, at_s=4.0), 6.0)
    """
    rate_s = rows_per_minute / 60.0
    full = float(burst_rows)
    left = full if bucket is None else min(full, bucket.left + max(0.0, now_s - bucket.at_s) * rate_s)
    wanted = min(float(rows), full)
    if left >= wanted:
        return Bucket(left - wanted, now_s), 0.0
    return Bucket(left, now_s), (wanted - left) / rate_s
