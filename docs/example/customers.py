"""Simulated customers of a telephone company, for the tutorial: `python customers.py` writes four CSV files.

customers.csv   5000 customers of the past; `left` says who cancelled within a month
requests.csv    1500 requests as the endpoint will see them, with arrival times and what happened afterwards
today.csv       4000 customers to decide about
outcomes.csv    what happened to those 4000, by request id
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

RNG = np.random.default_rng(7)


def customers(n: int) -> dict[str, Any]:
    """Columns of `n` customers: monthly contracts and calls to support lead away, years with us do not."""
    calls = RNG.poisson(1.2, n)
    tenure = RNG.integers(0, 72, n)
    contract = RNG.choice(["month", "year"], n, p=[0.6, 0.4])
    fee = RNG.normal(45, 12, n).round(2)
    leaning = -3.4 + 0.4 * calls + 3.2 * (contract == "month") - 0.03 * tenure + 0.01 * (fee - 45)
    left = np.where(RNG.random(n) < 1 / (1 + np.exp(-leaning)), "yes", "no")
    return {"contract": contract, "tenure_months": tenure, "support_calls": calls, "monthly_fee": fee, "left": left}


def write(name: str, columns: dict[str, Any]) -> None:
    """One CSV file."""
    pacsv.write_csv(pa.table(columns), name)


if __name__ == "__main__":
    write("customers.csv", customers(5000))

    start, two_weeks_s = datetime(2026, 3, 1, tzinfo=UTC), 14 * 24 * 3600
    arrived = [start + timedelta(seconds=int(s)) for s in np.sort(RNG.integers(0, two_weeks_s, 1500))]
    write("requests.csv", {**customers(1500), "arrived_at": [t.isoformat() for t in arrived]})

    today = customers(4000)
    left = today.pop("left")
    write("today.csv", {"customer": [f"c{i}" for i in range(4000)], **today})
    write("outcomes.csv", {"request_id": [f"today-{i}" for i in range(4000)], "outcome": left})
