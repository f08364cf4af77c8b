"""Everything a person can get wrong: an exit code, one clear sentence, and nothing recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as papq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from roadworthy.adapters.runtimes.skops_runtime import save_skops

Table = dict[str, Any]


def table(rows: int = 400) -> Table:
    rng = np.random.default_rng(9)
    left = ["yes" if v else "no" for v in rng.random(rows) < 0.4]
    return {
        "customer": [f"n{i}" for i in range(rows)],
        "tenure": rng.gamma(2, 12, rows),
        "calls": rng.poisson(2, rows),
        "spend": rng.normal(50, 15, rows),
        "y": left,
    }


def without(column: str) -> Callable[[Path], Path]:
    return lambda folder: csv(folder, {k: v for k, v in table().items() if k != column})


def changed(column: str, values: Any) -> Callable[[Path], Path]:
    return lambda folder: csv(folder, {**table(), column: values})


def csv(folder: Path, columns: Table) -> Path:
    pacsv.write_csv(pa.table(columns), folder / "bad.csv")
    return folder / "bad.csv"


def raw(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def holes(folder: Path) -> Path:
    papq.write_table(pa.table({**table(), "y": [None, "yes"] * 200}), folder / "bad.parquet")
    return folder / "bad.parquet"


BAD_DATA: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "target-missing": (without("y"), 2, "lacks the column y"),
    "input-missing": (without("calls"), 2, "lacks the column calls"),
    "text-for-numbers": (changed("calls", ["many"] * 400), 2, "column 'calls' holds text"),
    "no-value-in-the-target": (
        changed("y", [None] * 3 + ["yes", "no"] * 198 + ["no"]),
        2,
        "have no value in the target",
    ),
    "one-class": (changed("y", ["no"] * 400), 2, "has one class only"),
    "no-value-in-the-target-of-a-parquet": (holes, 2, "have no value in the target"),
    "empty-file": (raw("bad.csv", b""), 2, "is empty"),
    "header-only": (raw("bad.csv", b"a,y\n"), 2, "no rows"),
    "ten-rows": (lambda f: csv(f, table(10)), 2, "has 10 rows"),
    "text-named-parquet": (raw("bad.parquet", b"a,y\n1,yes\n"), 2, "is not a Parquet file"),
    "damaged-parquet": (raw("bad.parquet", b"PAR1 and no more"), 2, "damaged Parquet"),
    "neither-csv-nor-parquet": (raw("bad.xlsx", b"x"), 2, "neither .csv nor .parquet"),
    "no-such-file": (lambda f: f / "gone.csv", 2, "cannot be read"),
}


DATA_CASES = [pytest.param(case, id=name) for name, case in BAD_DATA.items()]


def refused(ran: Any, code: int, said: str) -> None:
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert ran.out == ""
    sentences = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert len(sentences) == 1
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("case", DATA_CASES)
def test_bad_data_is_refused_and_nothing_is_recorded(case: Any, kitchen: Any, tmp_path: Path) -> None:
    make, code, said = case
    before = kitchen.links()
    ran = kitchen.cli("register", "data", make(tmp_path), "--use-case", "churn", "--role", "sealed", actor="dan")
    refused(ran, code, said)
    assert kitchen.links() == before


@pytest.mark.parametrize("case", DATA_CASES)
def test_the_short_form_refuses_the_same_before_it_registers_a_use_case(
    case: Any, kitchen: Any, tmp_path: Path
) -> None:
    make, code, said = case
    before = kitchen.links()
    ran = kitchen.cli(
        "register", kitchen.folder / "model.skops", "--use-case", "new-one", "--data", kitchen.train, "--sealed",
        make(tmp_path),
        "--target", "y", "--positive", "yes", "--inputs", "tenure,calls,spend", actor="dan",
    )  # fmt: skip
    refused(ran, code, said)
    assert kitchen.links() == before


def inputs(data: Table) -> Any:
    return np.column_stack([data["tenure"], data["calls"], data["spend"]])


def skops(folder: Path, model: Any) -> Path:
    (folder / "bad.skops").write_bytes(save_skops(model))
    return folder / "bad.skops"


def raising(folder: Path) -> Path:
    """Takes only the values it was fitted on: the first row of other data is an unknown category."""
    data = table()
    model = make_pipeline(OrdinalEncoder(handle_unknown="error"), LogisticRegression())
    return skops(folder, model.fit(inputs(data), np.asarray(data["y"]) == "yes"))


def not_a_number(folder: Path) -> Path:
    data = table()
    model = LogisticRegression().fit(inputs(data), np.asarray(data["y"]) == "yes")
    model.coef_[:] = np.nan
    return skops(folder, model)


def three_classes(folder: Path) -> Path:
    data = table()
    joblib.dump(LogisticRegression().fit(inputs(data), np.minimum(data["calls"], 2)), folder / "bad.joblib")
    return folder / "bad.joblib"


def two_columns(folder: Path) -> Path:
    data = table()
    return skops(folder, LogisticRegression().fit(inputs(data)[:, :2], np.asarray(data["y"]) == "yes"))


def foreign_code(folder: Path) -> Path:
    joblib.dump({"model": print}, folder / "bad.joblib")
    return folder / "bad.joblib"


BAD_MODELS: dict[str, tuple[Callable[[Path], Path], set[int]]] = {
    "raises": (raising, {7}),
    "answers-nan": (not_a_number, {7}),
    "answers-another-shape": (three_classes, {2, 7}),
    "takes-fewer-columns": (two_columns, {2, 7}),
    "foreign-code": (foreign_code, {2}),
    "text": (raw("bad.joblib", b"this is no model"), {2}),
    "empty": (raw("bad.joblib", b""), {2}),
    "no-such-file": (lambda f: f / "gone.joblib", {2}),
}


@pytest.mark.parametrize("case", BAD_MODELS.values(), ids=BAD_MODELS)
def test_a_bad_model_is_refused_by_the_short_form_before_anything_is_recorded(
    case: Any, kitchen: Any, tmp_path: Path
) -> None:
    make, codes = case
    before = kitchen.links()
    ran = kitchen.cli(
        "register", make(tmp_path), "--use-case", "new-one", "--data", kitchen.train, "--target", "y",
        "--positive", "yes", "--inputs", "tenure,calls,spend", "--json", actor="dan",
    )  # fmt: skip
    said = ran.document["error"]
    assert ran.code in codes, said
    assert said["what"]
    assert said["remedy"]
    assert kitchen.links() == before


PLAYBOOK = "name: mine\nsteps:\n  V2:\n    - check: overfit\n      parms: {max_gap: 0.1}\n"

AGREE = "agree churn --value outcome --unit EUR"
MODEL = "register model {model} --use-case churn"
DATA = "register data {train} --use-case churn"
CASE = "use-case other --target y --positive 1"

# Command line, who acts, exit code, what the sentence says.
WRONG_WORDS: dict[str, tuple[str, str, int, str]] = {
    "kpi-column-typo": ("agree churn --value acted*outcom --unit EUR", "olga", 2, "outcom"),
    "kpi-syntax": ("agree churn --value CASE --unit EUR", "olga", 2, "the KPI value"),
    "kpi-holdout": (f"{AGREE} --holdout-share 0.9", "olga", 2, "holdout_share is 0.9"),
    "kpi-limit": (f"{AGREE} --guardrail x", "olga", 2, "'x' is no limit"),
    "kpi-without-unit": ("agree churn --value outcome", "olga", 2, "the contract has no unit"),
    "not-the-owner": (AGREE, "dan", 5, "dan"),
    "no-such-use-case": ("agree chrn --value outcome --unit EUR", "olga", 3, "Known: churn"),
    "no-contract-yet": ("validate plain:1", "dan", 4, "no signed KPI contract"),
    "no-such-version": ("validate plain:9", "dan", 3, "plain:9"),
    "no-such-person": ("status", "nobody", 3, "nobody"),
    "not-permitted": ("people add eve --role auditor", "ada", 5, "ada"),
    "no-such-role": ("people add eve --role king", "", 2, "no role 'king'"),
    "nothing-to-sign": ("sign plain:1", "vera", 4, "plain:1"),
    "no-such-endpoint": ("deploy plain:1 --endpoint none", "omar", 3, "no endpoint 'none'"),
    "no-such-input": (f"{MODEL} --inputs tenur", "dan", 2, "tenur"),
    "threshold": (f"{MODEL} --threshold 1.5", "dan", 2, "threshold is 1.5"),
    "training": (f"{MODEL} --training train.fit", "dan", 2, "train.py:fit"),
    "role-and-split": (f"{DATA} --role train --split 0.5", "dan", 2, "not both"),
    "data-role": (f"{DATA} --role test", "dan", 2, "no role 'test'"),
    "train-as-sealed": (f"{DATA} --role sealed", "dan", 4, "registered as train"),
    "use-case-without-target": ("use-case other --positive yes", "dan", 2, "--target"),
    "use-case-name": ("use-case Über --target y --positive 1", "dan", 2, "cannot name"),
    "use-case-tier": (f"{CASE} --tier huge", "dan", 2, "low, medium, high"),
    "no-such-owner": (f"{CASE} --owner nobody", "dan", 3, "nobody"),
    "decision-point-kind": (f"{CASE} --decision-point a:b:c", "dan", 2, "decision_points"),
    "no-such-trace": ("trace nothing", "", 3, "nothing"),
    "review-time": ("review e --since yesterday", "omar", 2, "yesterday"),
    "schedule": ("deploy plain:1 --schedule a,b", "omar", 2, "a,b"),
    "shares": ("deploy plain:1 --strategy shadow --shares half", "omar", 2, "--shares is 'half'"),
    "strategy": ("deploy plain:1 --strategy rolling", "omar", 2, "champion-challenger"),
}


@pytest.mark.parametrize("case", WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_wrong_words_are_refused_in_one_sentence_and_nothing_is_recorded(case: Any, kitchen: Any) -> None:
    words, actor, code, said = case
    before = kitchen.links()
    filled = [w.format(model=kitchen.folder / "model.skops", train=kitchen.train) for w in words.split()]
    refused(kitchen.cli(*filled, actor=actor), code, said)
    # A validation without a contract would be a look at sealed data too early: the attempt itself is on record.
    assert kitchen.links() == before + (said == "no signed KPI contract")


def test_a_typo_in_a_playbook_is_answered_with_line_key_and_what_is_allowed(kitchen: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PLAYBOOK)
    before = kitchen.links()
    ran = kitchen.cli("validate", "plain:1", "--playbook", tmp_path / "mine.yaml", "--json", actor="dan")
    error = ran.document["error"]
    assert (ran.code, error["code"], error["fields"]["line"], error["fields"]["key"]) == (2, "playbook", 5, "parms")
    assert "mine.yaml, line 5" in error["what"]
    assert "params" in error["remedy"]
    assert kitchen.links() == before


def test_with_json_an_error_is_the_only_document_and_names_its_fields(kitchen: Any, tmp_path: Path) -> None:
    file = csv(tmp_path, table(10))
    ran = kitchen.cli("register", "data", file, "--use-case", "churn", "--role", "sealed", "--json", actor="dan")
    assert ran.code == 2
    assert ran.document["error"]["fields"] == {"rows": 10}
    assert ran.err == ""


def test_debug_shows_where_an_error_comes_from(kitchen: Any) -> None:
    ran = kitchen.cli("trace", "nothing", "--debug")
    assert ran.code == 3
    assert "Traceback" in ran.err
