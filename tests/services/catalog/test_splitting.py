"""Training and sealed parts."""

from __future__ import annotations

import numpy as np
import pytest

from roadworthy.domain.errors import SettingError
from roadworthy.services.catalog.splitting import split
from roadworthy.statistics.frame import Frame

ROWS = 1000
FRAME = Frame({"row": np.arange(ROWS), "when": np.random.default_rng(0).permutation(ROWS)})
Y = (np.arange(ROWS) % 10 == 0).astype(np.float64)


def test_every_row_is_in_exactly_one_part_and_the_order_stays() -> None:
    parts = split(FRAME, Y, 0.25, seed=1)
    both = np.concatenate([parts.train["row"], parts.sealed["row"]])
    assert sorted(both) == list(range(ROWS))
    assert all(np.all(np.diff(part["row"]) > 0) for part in (parts.train, parts.sealed))


def test_a_random_split_keeps_the_share_of_each_class() -> None:
    sealed = split(FRAME, Y, 0.25, seed=1).sealed["row"]
    assert Y[sealed].sum() == 25
    assert len(sealed) == 250


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (split(FRAME, Y, 0.25, seed=s).sealed["row"] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_with_a_time_column_the_latest_rows_are_sealed() -> None:
    parts = split(FRAME, Y, 0.25, seed=1, time_column="when")
    assert parts.train["when"].max() < parts.sealed["when"].min()
    assert "latest 250 rows" in parts.how


@pytest.mark.parametrize("share", [0.0, -0.1, 0.91, 1.5], ids=str)
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(SettingError, match="share to seal"):
        split(FRAME, Y, share, seed=1)
