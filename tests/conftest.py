"""Fixtures every test may use."""

from __future__ import annotations

import os

# Before scikit-learn is imported: two test processes on two cores gain nothing by more threads, and lose much.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Gates judge their checks in the test's own process; what the pool of processes does has tests of its own.
os.environ.setdefault("ROADWORTHY_CHECK_WORKERS", "0")
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadworthy.domain import faults


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; without it a test skips with the reason, except in CI, where it fails."""
    root = Path(os.environ.get("ROADWORTHY_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (root / "bank_additional.parquet").exists():
        reason = f"needs the shared data sets: none in {root} (set ROADWORTHY_DATA)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(autouse=True)
def _no_fault_stays_armed() -> Iterator[None]:
    """A fault point armed by one test never reaches the next."""
    yield
    faults.disarm_all()
