"""Exit codes: the error tree and the verdicts, each mapped once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roadworthy.cli.exits import ERRORS, VERDICTS, document_of, exit_of
from roadworthy.cli.main import run
from roadworthy.domain import errors
from roadworthy.domain.verdict import Verdict


def tree(kind: type[errors.RoadworthyError]) -> list[type[errors.RoadworthyError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.PlaybookError, 2),
        (errors.NotFoundError, 3),
        (errors.IllegalTransitionError, 4),
        (errors.NotIndependentError, 5),
        (errors.ChainBrokenError, 6),
        (errors.BadOutputError, 7),
        (errors.PortInUseError, 8),
        (errors.CouldNotVerifyError, 9),
        (errors.UnauthenticatedError, 13),
        (errors.ThrottledError, 8),
        (errors.TooLargeError, 2),
        (errors.RoadworthyError, 1),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_an_error_has_the_exit_code_of_its_branch(kind: type[errors.RoadworthyError], code: int) -> None:
    assert exit_of(kind("it happened", remedy="Do this.")) == code


@pytest.mark.parametrize("kind", tree(errors.RoadworthyError)[1:], ids=lambda k: k.__name__)
def test_every_error_of_the_tree_has_a_code_of_its_own_branch(kind: type[errors.RoadworthyError]) -> None:
    code = exit_of(kind("it happened", remedy="Do this."))
    assert code in ERRORS.values()
    assert code not in VERDICTS.values()


def test_the_drawn_tree_names_the_exit_codes() -> None:
    drawn = errors.__doc__ or ""
    for kind, code in ERRORS.items():
        if kind is not errors.CouldNotVerifyError:
            line = next(x for x in drawn.splitlines() if kind.__name__ in x)
            assert f"(exit {code}," in line


def test_only_pass_and_warn_exit_with_zero() -> None:
    assert {v for v, code in VERDICTS.items() if code == 0} == {Verdict.PASS, Verdict.WARN}
    assert len({VERDICTS[v] for v in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)}) == 3


def test_an_errors_document_holds_plain_values_only() -> None:
    document = document_of("data", "bad", "Mend it.", {"rows": 3, "path": Path("x"), "missing": ["a", "b"]})
    assert json.loads(json.dumps(document))["error"]["fields"] == {"rows": 3, "path": "x", "missing": ["a", "b"]}


def test_a_missing_option_is_one_sentence_and_one_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["register", "data", str(tmp_path / "x.csv"), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)["error"]
    assert said["code"] == "usage"
    assert "use-case" in said["what"]
    assert "roadworthy register data --help" in said["remedy"]


@pytest.mark.parametrize(
    "words",
    [["-w", "{}", "--json", "status"], ["--workspace={}", "--json", "status"], ["status", "--json", "-w", "{}"]],
    ids=["before", "with-equals-sign", "after"],
)
def test_the_options_of_every_command_stand_before_or_after_it(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run([w.format(tmp_path / "nowhere") for w in words]) == 3
    said = json.loads(capsys.readouterr().out)["error"]
    assert "nowhere" in said["what"]
    assert "roadworthy init" in said["remedy"]


def test_a_command_in_a_folder_that_is_no_workspace_leaves_nothing_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["status", "-w", str(tmp_path)]) == 3
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err.count("\n") == 1
