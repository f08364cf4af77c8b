"""The same story on the simulated lender: what `make demo` plays where no data file is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.scenarios.conftest import Told

from roadworthy.apps.story.history import INPUTS, LEAKING, TARGET, TIME, load_history, simulate
from roadworthy.apps.story.narrator import Silent
from roadworthy.apps.story.play import play
from roadworthy.domain.errors import AlreadyExistsError, DataError
from roadworthy.domain.returns import DefectKind

pytestmark = pytest.mark.timeout(900)  # the first test plays the whole story


def test_the_simulated_lender_is_labelled_as_simulated(simulated_story: Told) -> None:
    assert simulated_story.played.simulated
    assert any("SIMULATED" in s for s in simulated_story.said)


def test_the_same_things_happen_to_the_simulated_lender(simulated_story: Told) -> None:
    defects = {w.defect for w in simulated_story.work}
    assert {DefectKind.LEAKAGE, DefectKind.DATA_DRIFT, DefectKind.MATHEMATICAL_DRIFT} <= defects
    assert any("not the model's doing" in s for s in simulated_story.said)
    third = next(d for d in simulated_story.deployments if d["deployment"]["id"] == "campaign-d3")
    assert third["deployment"]["state"] == "rolled-back"


def test_the_simulated_lender_has_the_real_ones_columns_and_turning_points() -> None:
    history = simulate()
    assert {*INPUTS, *LEAKING, "month", TARGET, TIME} <= set(history.frame.names)
    before = history.frame.take(history.rows("2008-05", "2008-08"))[TARGET] == "yes"
    after = history.frame.take(history.rows("2010-03", "2010-11"))[TARGET] == "yes"
    assert 0.03 < before.mean() < 0.07
    assert 0.45 < after.mean() < 0.58


def test_the_simulated_lender_is_the_same_for_the_same_seed() -> None:
    first, again = simulate(7).frame, simulate(7).frame
    assert all(np.array_equal(first[n], again[n]) for n in first.names)


def test_a_named_file_that_is_not_there_is_an_error_and_not_a_simulation(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_history(tmp_path / "nowhere.parquet")


def test_the_demo_touches_no_folder_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(AlreadyExistsError, match="not empty"):
        play(tmp_path, None, Silent())
    assert (tmp_path / "thesis.txt").read_text() == "mine"
