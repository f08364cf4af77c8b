"""Laws of the error tree: what the docstring draws is what exists, codes are stable, messages say what to do."""

from __future__ import annotations

import inspect
import re

import pytest

from roadworthy.domain import errors
from roadworthy.domain.errors import RoadworthyError, shortlist

CLASSES = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, RoadworthyError) and kind.__module__ == errors.__name__
}
"""Every error class, by name."""

CODES = {
    "RoadworthyError": "error",
    "InputError": "input",
    "DataError": "data",
    "ArtifactError": "artifact",
    "PlaybookError": "playbook",
    "ExpressionError": "expression",
    "SettingError": "setting",
    "TooLargeError": "too-large",
    "NotFoundError": "not-found",
    "ConflictError": "conflict",
    "IllegalTransitionError": "illegal-transition",
    "AlreadyExistsError": "already-exists",
    "LostUpdateError": "lost-update",
    "UnauthenticatedError": "unauthenticated",
    "RefusedError": "refused",
    "NotAllowedError": "not-allowed",
    "NotIndependentError": "not-independent",
    "NotLicensedError": "not-licensed",
    "IntegrityError": "integrity",
    "SignatureWrongError": "signature-wrong",
    "ExpiredSignatureError": "expired-signature",
    "DigestMismatchError": "digest-mismatch",
    "ChainBrokenError": "chain-broken",
    "CouldNotVerifyError": "could-not-verify",
    "ModelError": "model",
    "ModelRaisedError": "model-raised",
    "BadOutputError": "bad-output",
    "UnavailableError": "unavailable",
    "StorageUnavailableError": "storage-unavailable",
    "PortInUseError": "port-in-use",
    "MissingExtraError": "missing-extra",
    "ThrottledError": "throttled",
}
"""The published codes: programs match on them, so a line here never changes and never goes."""

_LINE = re.compile(r"^ {4}(?P<branch>[| `-]*)(?P<name>\w+Error)\b")


def drawn_parents() -> dict[str, str]:
    """Class name -> name of its parent, as the module's docstring draws the tree (the root's parent is empty)."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := _LINE.match(line):
            depth = len(match["branch"]) // 4
            path[depth:] = [match["name"]]
            parents[match["name"]] = path[depth - 1] if depth else ""
    return parents


def test_the_drawn_tree_is_the_tree_of_classes() -> None:
    actual = {name: kind.__mro__[1].__name__ for name, kind in CLASSES.items()}
    assert drawn_parents() == actual | {"RoadworthyError": ""}


def test_the_drawing_is_in_the_order_of_the_classes() -> None:
    by_line = sorted(CLASSES, key=lambda name: inspect.getsourcelines(CLASSES[name])[1])
    assert list(drawn_parents()) == by_line


@pytest.mark.parametrize("name", CODES)
def test_a_published_code_stays(name: str) -> None:
    assert CLASSES[name].code == CODES[name]


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_has_a_code_of_its_own(name: str) -> None:
    assert name in CODES, "publish the new error's code: add it to CODES"
    assert "code" in vars(CLASSES[name]), "a code is stated, never inherited"
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", CLASSES[name].code)


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in CLASSES.values()]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("name", CLASSES)
def test_the_message_says_what_happened_and_what_to_do(name: str) -> None:
    error = CLASSES[name]("the disk is full.", remedy="Free some space.", path="data", free=0)
    assert str(error) == "the disk is full. Free some space."
    assert (error.what, error.remedy) == ("the disk is full.", "Free some space.")
    assert error.fields == {"path": "data", "free": 0}


@pytest.mark.parametrize("name", CLASSES)
def test_an_error_cannot_be_raised_without_a_remedy(name: str) -> None:
    with pytest.raises(TypeError, match="remedy"):
        CLASSES[name]("the disk is full")


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_says_in_one_line_when_it_is_raised(name: str) -> None:
    assert (CLASSES[name].__doc__ or "").splitlines()[0].endswith((".", "next."))
    assert vars(CLASSES[name])["__doc__"], "a docstring is stated, never inherited"


CASES = {
    "none": ([], ""),
    "as many as fit": (list("abcdefgh"), "a, b, c, d, e, f, g, h"),
    "one too many": (list("abcdefghi"), "a, b, c, d, e, f, g, h ... and 1 more"),
}


@pytest.mark.parametrize(("names", "said"), CASES.values(), ids=CASES)
def test_a_list_of_names_in_a_message_is_bounded(names: list[str], said: str) -> None:
    assert shortlist(names) == said
