"""Registering in one go: convenient, complete in what it says, honest about what it cannot know."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pacsv
import pytest


@pytest.fixture(scope="module")
def registered(kitchen: Any) -> Any:
    return kitchen.cli(
        "register", kitchen.folder / "model.skops", "--use-case", "leavers", "--data", kitchen.train,
        "--target", "y", "--positive", "yes", "--inputs", "tenure,calls,spend", "--json", actor="dan",
    )  # fmt: skip


def test_one_command_registers_use_case_both_parts_and_version(registered: Any) -> None:
    assert registered.code == 0, registered.out
    did = registered.document["did"]
    assert [line.split(":")[0].split("(")[0].strip() for line in did] == [
        "registered the use case 'leavers'",
        "training data",
        "sealed 100 rows for judging",
        "registered the version leavers",
    ]
    assert registered.document["version"]["developers"] == ["dan"]


def test_it_warns_that_sealed_rows_split_off_later_prove_nothing_about_a_model_that_saw_them(
    registered: Any,
) -> None:
    first = registered.document["warnings"][0]
    assert "only if the model was not trained on them" in first
    assert "--split 0.25 --train-to" in first


def test_the_validator_reads_where_the_sealed_rows_came_from(registered: Any) -> None:
    assert "is the developer's word" in registered.document["version"]["description"]


def test_it_says_what_later_steps_will_ask_for(registered: Any) -> None:
    said = " ".join(registered.document["warnings"])
    assert "V8 cannot train the model again" in said
    assert "--code-revision" in said


def test_the_next_step_belongs_to_the_business_owner(registered: Any) -> None:
    assert registered.document["next"] == [
        "Next: roadworthy agree leavers --value EXPRESSION --unit UNIT --as olga"
    ]


def test_a_second_version_uses_the_rows_that_are_sealed_already(
    registered: Any, kitchen: Any, by_hand: Any
) -> None:
    later = kitchen.folder / "later.csv"
    by_hand.customers(later, 300, 9)
    ran = kitchen.cli(
        "register", kitchen.folder / "model.skops", "--use-case", "leavers", "--data", later, "--inputs",
        "tenure,calls,spend", "--parent", "leavers:1", "--json", actor="dan",
    )  # fmt: skip
    assert ran.document["version"]["id"] == "leavers:2"
    assert ran.document["version"]["parents"] == ["leavers:1"]
    assert not any("sealed" in line for line in ran.document["did"])


def test_the_file_the_sealed_rows_came_from_is_no_training_data_of_a_second_version(
    registered: Any, kitchen: Any
) -> None:
    ran = kitchen.cli(
        "register", kitchen.folder / "model.skops", "--use-case", "leavers", "--data", kitchen.train, "--inputs",
        "tenure,calls,spend", "--parent", "leavers:1", actor="dan",
    )  # fmt: skip
    assert (ran.code, "100 of the 400 rows of 'train.csv' are those of 'leavers-sealed" in ran.err) == (4, True)


@pytest.mark.parametrize(
    ("extra", "said"),
    [(["--target", "calls"], "--target is 'calls'"), (["--positive", "1"], "--positive is '1'")],
    ids=["target", "positive"],
)
def test_another_target_than_the_use_cases_is_refused(
    extra: list[str], said: str, registered: Any, kitchen: Any
) -> None:
    before = kitchen.links()
    words = ("register", kitchen.model, "--use-case", "leavers", "--data", kitchen.train)
    ran = kitchen.cli(*words, *extra, actor="dan")
    assert (ran.code, said in ran.err, kitchen.links()) == (2, True, before)


@pytest.mark.parametrize("left_out", ["--target", "--positive"])
def test_a_new_use_case_needs_target_and_positive_label(left_out: str, kitchen: Any) -> None:
    given = {"--target": "y", "--positive": "yes"}
    given.pop(left_out)
    words = [w for pair in given.items() for w in pair]
    ran = kitchen.cli(
        "register", kitchen.model, "--use-case", "fresh", "--data", kitchen.train, *words, actor="dan"
    )
    assert ran.code == 2
    assert f"Give {left_out}" in ran.err


def test_a_split_writes_the_rows_to_train_on_and_registers_exactly_those(kitchen: Any, tmp_path: Path) -> None:
    made = kitchen.cli("use-case", "split-case", "--target", "y", "--positive", "yes", actor="dan")
    assert made.code == 0
    ran = kitchen.cli(
        "register", "data", kitchen.train, "--use-case", "split-case", "--split", 0.3, "--train-to",
        tmp_path / "rest.csv", "--json", actor="dan",
    )  # fmt: skip
    train, sealed = ran.document
    assert (train["role"], sealed["role"]) == ("train", "sealed test")
    assert train["rows"] + sealed["rows"] == 400
    written = pacsv.read_csv(io.BytesIO((tmp_path / "rest.csv").read_bytes()))
    whole = pacsv.read_csv(kitchen.train)
    assert written.num_rows == train["rows"]
    assert np.isin(written["customer"].to_pylist(), whole["customer"].to_pylist()).all()


def test_a_file_that_exists_is_not_overwritten_by_the_training_rows(kitchen: Any, tmp_path: Path) -> None:
    (tmp_path / "rest.csv").write_text("mine")
    before = kitchen.links()
    words = ("register", "data", kitchen.train, "--use-case", "churn", "--split", 0.3, "--train-to")
    ran = kitchen.cli(*words, tmp_path / "rest.csv", actor="dan")
    assert (ran.code, kitchen.links(), (tmp_path / "rest.csv").read_text()) == (4, before, "mine")
