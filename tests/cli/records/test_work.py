"""Work items through the command line: list, show, assign, comment, link; and a version that may not come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PLAYBOOK = """
name: ranking
steps:
  V2:
    - {check: beats-baseline, params: {min_gain: 0.49}}
waivers:
"""


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, by_hand: Any) -> Any:
    """A workspace in which `churn:1` ranked worse than was asked for, and a server on it."""
    folder = tmp_path_factory.mktemp("work")
    by_hand.data(folder)
    line = by_hand.cli(folder / "workspace")
    waived = [f'  - {{step: V{i}, check: "*", reason: "not asked here"}}\n' for i in (1, 3, 4, 5, 6, 7, 8, 9)]
    (folder / "book.yaml").write_text(PLAYBOOK + "".join(waived))
    line("init")
    with by_hand.served(folder / "workspace"):
        line("use-case", "churn", "--target", "y", "--positive", "yes", "--tier", "low", actor="dan")
        line("register", "data", folder / "history.csv", "--use-case", "churn", "--split", 0.5, "--train-to",
             folder / "train.csv", actor="dan")  # fmt: skip
        by_hand.train(folder / "train.csv", folder / "model.joblib")
        line("agree", "churn", "--value", by_hand.value, "--unit", "EUR", actor="olga")
        for parent in ((), ("--parent", "churn:1")):
            line("register", "model", folder / "model.joblib", "--use-case", "churn", "--inputs",
                 "tenure,calls,spend", *parent, actor="dan")  # fmt: skip
        line("validate", "churn:1", "--playbook", folder / "book.yaml", actor="dan")
        yield line


def test_the_list_names_the_defect_and_shows_it_without_a_subcommand_too(cli: Any) -> None:
    assert cli("work").out == cli("work", "list").out
    (item,) = cli("work", "--json").document["items"]
    assert (item["id"], item["version"], item["defect"], item["state"]) == (
        "work-1",
        "churn:1",
        "weak-model",
        "open",
    )


def test_an_item_is_assigned_commented_linked_and_shown_with_its_history(cli: Any, tmp_path: Path) -> None:
    assert cli("work", "assign", "work-1", "dan", actor="dan").out == "work-1 is with dan.\n"
    assert cli("work", "comment", "work-1", "Too few columns.", actor="vera").out == "work-1 has 1 comment(s).\n"
    assert cli("work", "link", "work-1", "churn:2", actor="dan").out == "work-1 is to be mended by churn:2.\n"
    shown = cli("work", "show", "work-1")
    for said in ("a successor only", "vera: Too few columns.", "To be mended by churn:2", "work-item-opened"):
        assert said in shown.out
    document = cli("work", "show", "work-1", "--json").document
    assert [c["action"] for c in document["history"]] == [
        "work-item-opened",
        "work-item-assigned",
        "work-item-commented",
        "work-item-linked",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("work", "show", "work-9"), 3, "work-9"),
        (("work", "link", "work-1", "churn:1"), 4, "does not descend"),
        (("work", "comment", "work-1", " "), 2, "Allowed: 1 to 4,000"),
        (("reenter", "churn:1", "--why", "better now"), 4, "successor only"),
        (("reenter", "churn:1"), 2, "needs a reason"),
    ],
    ids=["unknown item", "no descendant", "no words", "artifact defect", "no reason"],
)
def test_what_cannot_be_done_has_its_exit_code_and_a_sentence(
    cli: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = cli(*words, actor="dan")
    assert ran.code == code
    assert said in ran.err
