"""Rules documents: the first rule that holds counts, a missing value is null, and what cannot be meant is refused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from roadworthy.adapters.runtimes.documents.rules_runtime import RulesRuntime
from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.domain.errors import ArtifactError, BadOutputError, ModelRaisedError, RoadworthyError
from roadworthy.domain.model import ColumnSpec, DType, Signature

SIGNATURE = Signature(
    (
        ColumnSpec("age", DType.INT64, missing_allowed=True),
        ColumnSpec("income", DType.FP64, missing_allowed=True),
        ColumnSpec("job", DType.BYTES, missing_allowed=True),
        ColumnSpec("owner", DType.BOOL),
    )
)
COLUMNS = {
    "age": np.array([15.0, 40.0, np.nan, 70.0]),
    "income": np.array([1.0, 0.0, 500.0, np.nan]),
    "job": np.array(["clerk", None, "nurse", "clerk"], dtype=object),
    "owner": np.array([True, False, True, False]),
}


def document(*rules: str, otherwise: str = "0.5", let: str = "{}") -> bytes:
    lines = "".join(f"  - {{name: r{k}, {rule}}}\n" for k, rule in enumerate(rules))
    return f"# made by hand\nroadworthy: rules/1\nlet: {let}\nrules:\n{lines}otherwise: {otherwise}\n".encode()


def scores(data: bytes) -> Any:
    return RulesRuntime().load(data, SIGNATURE).predict(COLUMNS).tolist()


def test_the_first_rule_that_holds_gives_the_score() -> None:
    data = document(
        "when: age != null && age < 18, score: 0", "when: owner, score: 0.9", "when: age == 70, score: 1"
    )
    assert (detect(data), scan(data).admitted) == ("rules", True)
    assert scores(data) == [0.0, 0.5, 0.9, 1.0]


def test_a_missing_value_is_null_in_every_type_of_column() -> None:
    assert scores(document("when: age == null, score: 0.1")) == [0.5, 0.5, 0.1, 0.5]
    assert scores(document("when: income == null, score: 0.1")) == [0.5, 0.5, 0.5, 0.1]
    assert scores(document("when: job == null, score: 0.1")) == [0.5, 0.1, 0.5, 0.5]


def test_a_score_may_be_computed_and_definitions_build_on_each_other() -> None:
    let = "{known: income != null, share: 'known ? income / 1000.0 : 0.25'}"
    assert scores(document("when: known, score: share", otherwise="share", let=let)) == [0.001, 0.0, 0.5, 0.25]


def test_a_row_for_which_a_rule_means_nothing_is_the_models_failure_and_names_the_rule() -> None:
    with pytest.raises(ModelRaisedError, match="rule 'r0': No such overload"):
        scores(document("when: age < 18, score: 0"))
    with pytest.raises(ModelRaisedError, match="rule 'r0' is 3, neither true nor false"):
        scores(document("when: 1 + 2, score: 0"))
    with pytest.raises(ModelRaisedError, match="the score of rule 'r0' is 'high', no number"):
        scores(document("when: owner, score: '\"high\"'"))
    with pytest.raises(ModelRaisedError, match="division by zero"):
        scores(document("when: owner, score: 1 / 0"))
    with pytest.raises(BadOutputError, match=r"outside 0\.\.1, the first in row 0: 7"):
        scores(document("when: owner, score: 3 + 4"))


TWICE = document("when: owner, score: 1", "when: owner, score: 1").replace(b"r1", b"r0")

REFUSED = {
    "no rules": (document().replace(b"rules:\n", b"rules: []\n"), "has 0 rules"),
    "no otherwise": (b"roadworthy: rules/1\nrules: [{name: a, when: owner, score: 1}]", "missing required field"),
    "an unknown field": (document("when: owner, scor: 1"), "required field `score`|unknown field `scor`"),
    "a field twice": (document("when: owner, when: owner, score: 1"), "field 'when' twice"),
    "a reference": (b"roadworthy: rules/1\nlet: &a {b: owner}\nrules: *a\notherwise: 0", "alias"),
    "a type of Python": (b"roadworthy: rules/1\nrules: !!python/name:os.system", "could not determine"),
    "two rules of one name": (TWICE, "the name 'r0'"),
    "a score of 7": (document("when: owner, score: 7"), "the score of rule 'r0' is 7"),
    "an unfinished expression": (document("when: owner &&, score: 1"), "rule 'r0' cannot be read"),
    "a macro": (document("when: '[1, 2].exists(x, x == age)', score: 1"), "rule 'r0' calls exists"),
    "a macro behind a space": (document("when: '[1].map (x, x) == [1]', score: 1"), "rule 'r0' calls map"),
    "a function that is none": (document("when: 'system(job)', score: 1"), "rule 'r0' calls system"),
    "a macro's parts apart": (document('when: "[1].map//\\n(x, x) == [1]", score: 1'), "or line breaks"),
    "a long expression": (document("when: '" + "!" * 3000 + "owner', score: 1"), "has 3005 letters"),
    "a deep expression": (document("when: '" + "(" * 900 + "owner" + ")" * 900 + "', score: 1"), "cannot be read"),
    "deep YAML": (b"roadworthy: rules/1\nrules: " + b"[" * 5000, "cannot be read"),
    "cut off": (document("when: owner, score: 1")[:40], "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_cannot_be_meant_is_refused_with_the_place(data: bytes, why: str) -> None:
    found = scan(data)
    assert (found.format, found.admitted) == ("rules", False)
    with pytest.raises(ArtifactError, match=why):
        RulesRuntime().load(data, SIGNATURE)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (document("when: agee > 3, score: 1"), "rule 'r0' names agee. Known there: age, income, job, owner"),
        (document("when: owner, score: late", let="{}"), "the score of rule 'r0' names late"),
        (document("when: owner, score: 1", let="{a: b, b: owner}"), "the definition of 'a' names b"),
        (document("when: owner, score: 1", let="{age: owner}"), "'age' is defined and is a column"),
    ],
    ids=["a column", "a score", "a later definition", "a column defined again"],
)
def test_a_name_that_is_no_column_is_refused_when_it_is_loaded(data: bytes, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        RulesRuntime().load(data, SIGNATURE)


def test_a_flipped_bit_gives_a_refusal_or_rules_and_never_ends_the_process() -> None:
    draw, refused = random.Random(4), 0  # noqa: S311 - the same damage in every run
    whole = document('when: age != null && age < 18 || job in ["clerk"], score: "income == null ? 0.1 : 0.2"')
    for _ in range(400):
        data = bytearray(whole)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        try:
            scores(bytes(data))
        except RoadworthyError:
            refused += 1
    assert refused > 100
