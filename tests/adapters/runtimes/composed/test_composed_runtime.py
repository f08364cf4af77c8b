"""Laws of compositions: what each kind of them answers, from members whose answers are known."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.adapters.runtimes import SINGLE
from roadworthy.adapters.runtimes.composed.composed_runtime import ComposedPredictor, ComposedRuntime
from roadworthy.adapters.runtimes.folders import open_folder, scan_folder
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.apps.workshop import LocalWorkshop
from roadworthy.domain.errors import ArtifactError, ModelRaisedError
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, Member, Signature
from roadworthy.domain.storing.composition import HEAD, Composition, Fallback, Part, RuleSet, packed
from roadworthy.domain.storing.folder import Folder

NUMBER = {"a": DType.FP64, "b": DType.FP64, "job": DType.BYTES}
SIGNATURE = Signature(tuple(ColumnSpec(n, kind, missing_allowed=True) for n, kind in NUMBER.items()))
A, B = np.array([0.1, 0.5, 0.9, 0.2]), np.array([0.8, 0.5, 0.3, 0.6])
COLUMNS = {"a": A, "b": B, "job": np.array(["clerk", "nurse", "clerk", "pilot"], dtype=object)}


def saying(expression: str) -> bytes:
    """A member whose score is an expression of the columns."""
    return (
        f"roadworthy: rules/1\nrules: [{{name: r, when: 'true', score: '{expression}'}}]\notherwise: 0\n".encode()
    )


def part(name: str, artifact: bytes, takes: tuple[str, ...], threshold: float = 0.5, weight: float = 1.0) -> Part:
    signature = Signature(tuple(ColumnSpec(n, NUMBER.get(n, DType.FP64), missing_allowed=True) for n in takes))
    digest = hashlib.sha256(artifact).hexdigest()
    return Part(name, Member(f"{name}:1", digest, threshold), ArtifactFormat.RULES, signature, weight)


ARTIFACTS = {
    "first": saying("a"),
    "second": saying("b"),
    "mixer": saying("first * 0.5 + second * 0.5"),
    "later": saying("first * first"),
    "spare": saying("0.25"),
}
TAKES = {
    "first": ("a",),
    "second": ("b",),
    "mixer": ("first", "second"),
    "later": ("first",),
    "spare": ("a",),
}


def composition(kind: str, *names: str, weights: tuple[float, ...] = (), **about: Any) -> Composition:
    given_weights = weights or (1.0,) * len(names)
    parts = [part(n, ARTIFACTS[n], TAKES[n], weight=w) for n, w in zip(names, given_weights, strict=True)]
    return Composition(kind, tuple(parts), **about)


def folder_of(made: Composition) -> Folder:
    return packed(HEAD + msgspec.json.encode(made)[1:], {p.name: ARTIFACTS[p.name] for p in made.parts})


def scores(made: Composition, columns: Any = COLUMNS) -> Any:
    opened = open_folder(folder_of(made))
    return ComposedRuntime(SINGLE).load(opened.model, SIGNATURE, opened.beside).predict(columns)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (composition("average", "first", "second"), (A + B) / 2),
        (composition("weighted", "first", "second", weights=(3.0, 1.0)), (3 * A + B) / 4),
        (composition("vote", "first", "second"), [0.5, 1.0, 0.5, 0.5]),
        (composition("stack", "first", "second", "mixer", combiner="mixer"), A * 0.5 + B * 0.5),
        (composition("chain", "first", "later"), A * A),
        (
            composition("switch", "first", "second", column="job", cases={"clerk": "first"}, otherwise="second"),
            [0.1, 0.5, 0.9, 0.6],
        ),
    ],
    ids=["average", "weighted", "vote", "stack", "chain", "switch"],
)
def test_each_kind_answers_as_computed_by_hand(made: Composition, expected: Any) -> None:
    np.testing.assert_allclose(scores(made), expected, atol=1e-12)
    folder, workshop = folder_of(made), LocalWorkshop()
    assert workshop.admit(folder, SIGNATURE, COLUMNS) == (folder, ArtifactFormat.COMPOSITION)
    workshop.try_out(folder, ArtifactFormat.COMPOSITION, SIGNATURE, COLUMNS)


class Fixed:
    """A member that says what it is told."""

    def __init__(self, says: Any) -> None:
        self._says = np.asarray(says, dtype=np.float64)

    def predict(self, columns: Any) -> Any:
        return self._says[: len(columns["a"])]


def asked(kind: str, says: list[Any], weights: list[float]) -> Any:
    parts = tuple(part(f"m{k}", b"", ("a",), weight=w) for k, w in enumerate(weights))
    members = {f"m{k}": Fixed(said) for k, said in enumerate(says)}
    return ComposedPredictor(Composition(kind, parts), members, Signature(SIGNATURE.inputs[:1])).predict({"a": A})


SCORE = st.floats(0, 1)
ROWS = st.lists(SCORE, min_size=4, max_size=4)


@given(ROWS, st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_the_mean_of_equal_members_is_the_member_whatever_the_weights(
    said: list[float], weights: list[float]
) -> None:
    for kind in ("average", "weighted"):
        np.testing.assert_array_equal(asked(kind, [said] * len(weights), weights), said)


@given(st.lists(st.tuples(ROWS, st.floats(0.01, 100)), min_size=2, max_size=4))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_members_and_the_scale_of_the_weights_change_nothing(members: Any) -> None:
    for kind in ("average", "weighted", "vote"):
        answers = [asked(kind, [s for s, _ in order], [w for _, w in order]) for order in permutations(members)]
        for answer in answers[1:]:
            np.testing.assert_array_equal(answer, answers[0])
        scaled = asked(kind, [s for s, _ in members], [w * 4 for _, w in members])
        np.testing.assert_allclose(scaled, answers[0], atol=1e-12)
        assert (answers[0] <= np.max([s for s, _ in members], axis=0)).all() or kind == "vote"


HOLES = {**COLUMNS, "a": np.array([0.1, np.nan, 0.9, np.nan])}


@pytest.mark.parametrize(
    ("fallback", "instead"), [(Fallback(member="spare"), 0.25), (Fallback(score=0.0), 0.0)], ids=["member", "score"]
)
def test_what_stands_in_answers_exactly_the_rows_that_a_member_could_not(
    fallback: Fallback, instead: float
) -> None:
    names = ("first", "second", "spare") if fallback.member else ("first", "second")
    with pytest.raises(ModelRaisedError):
        scores(composition("average", "first", "second"), HOLES)
    weights = (1.0, 1.0, 0.0)[: len(names)]
    made = composition("average", *names, weights=weights, fallback=fallback)
    np.testing.assert_allclose(scores(made, HOLES), [0.45, instead, 0.6, instead], atol=1e-12)
    np.testing.assert_allclose(scores(made), (A + B) / 2, atol=1e-12)


def test_a_member_that_takes_too_long_is_stood_in_for_and_the_answer_comes_in_time() -> None:
    release = threading.Event()

    class Slow(Fixed):
        def predict(self, columns: Any) -> Any:
            release.wait(20)
            return super().predict(columns)

    made = Composition("average", (part("m", b"", ("a",)),), fallback=Fallback(score=0.75, after_ms=50))
    predictor = ComposedPredictor(made, {"m": Slow(A)}, Signature(SIGNATURE.inputs[:1]))
    began = time.monotonic()
    answer = predictor.predict({"a": A})
    assert time.monotonic() - began < 10
    np.testing.assert_array_equal(answer, [0.75] * 4)
    release.set()
    np.testing.assert_array_equal(predictor.predict({"a": A}), A)


def test_rules_before_the_members_spare_them_and_rules_after_see_their_score() -> None:
    before = RuleSet((("pilots", 'job == "pilot"', 0.0), ("unknown", "a == null", 0.125)))
    after = RuleSet((("sure", "score > 0.7", "0.5 + score / 10.0"),), {})
    made = composition("average", "first", before=before, after=after)
    np.testing.assert_allclose(scores(made, HOLES), [0.1, 0.125, 0.59, 0.0], atol=1e-12)


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown kind": (lambda: composition("median", "first"), "the kind 'median'"),
    "no members": (lambda: composition("average"), "0 members"),
    "one name twice": (lambda: composition("average", "first", "first"), "two members of one name"),
    "an unknown combiner": (lambda: composition("stack", "first", combiner="x"), r"not there \(x\)"),
    "a combiner alone": (lambda: composition("stack", "mixer", combiner="mixer"), "a stack without a combiner"),
    "a switch without cases": (lambda: composition("switch", "first"), "a switch without column"),
    "a negative weight": (
        lambda: composition("weighted", "first", weights=(-1.0,)),
        "weights below 0",
    ),
    "a fallback that is none": (lambda: composition("average", "first", fallback=Fallback()), "a fallback without"),
    "a fallback score of 2": (
        lambda: composition("average", "first", fallback=Fallback(score=2.0)),
        "outside 0..1",
    ),
    "only a fallback": (
        lambda: composition("average", "spare", weights=(0.0,), fallback=Fallback("spare")),
        "no member that answers",
    ),
}


@pytest.mark.parametrize(("make", "why"), WRONG.values(), ids=WRONG.keys())
def test_a_composition_that_cannot_be_meant_is_refused(make: Any, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        make()


def test_a_member_that_was_changed_exchanged_or_taken_away_is_refused_by_name() -> None:
    made = composition("average", "first", "second")
    whole = folder_of(made).files
    spoiled = {
        "changed": {**whole, "members/second/model": saying("a + 0.0")},
        "taken away": {n: d for n, d in whole.items() if n != "members/second/model"},
        "joined": {**whole, "members/second/more": b"x"},
    }
    for files in spoiled.values():
        opened = open_folder(Folder(files))
        assert not scan_folder(Folder(files)).admitted
        with pytest.raises(ArtifactError, match="member 'second' is not the artifact of second:1"):
            ComposedRuntime(SINGLE).load(opened.model, SIGNATURE, opened.beside)


def test_files_that_belong_to_no_member_and_members_that_are_not_admitted_are_refused() -> None:
    made = composition("average", "first")
    found = scan_folder(Folder({**folder_of(made).files, "notes.txt": b"hello"}))
    assert (found.admitted, found.untrusted) == (False, ("notes.txt",))
    evil = b"\x80\x04N."
    pickled = replace(made, parts=(replace(part("first", evil, ("a",)), format=ArtifactFormat.PICKLE),))
    found = scan_folder(packed(HEAD + msgspec.json.encode(pickled)[1:], {"first": evil}))
    assert not found.admitted
    assert "member 'first' (pickle)" in found.reason


def test_a_document_alone_is_no_artifact() -> None:
    document = folder_of(composition("average", "first")).files["composition.json"]
    assert (detect(document), scan(document).admitted) == ("composition", False)


def test_the_inputs_are_those_of_all_members_but_not_what_members_make() -> None:
    assert composition("stack", "first", "second", "mixer", combiner="mixer").inputs == ("a", "b")
    assert composition("chain", "first", "later").inputs == ("a",)
    switch = composition("switch", "first", "second", column="job", cases={"x": "first"}, otherwise="second")
    assert switch.inputs == ("a", "b", "job")
