"""Pickles and joblib files: converted in a process of their own, or refused with the reason."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from roadworthy.adapters.runtimes.pickles.allow import admitted, unpickle
from roadworthy.adapters.runtimes.pickles.conversion import convert, convert_pickle
from roadworthy.adapters.runtimes.pickles.jail import answer
from roadworthy.adapters.runtimes.pickles.parcel import unpack
from roadworthy.adapters.runtimes.skops_runtime import SkopsRuntime
from roadworthy.domain.errors import ArtifactError, DataError
from roadworthy.domain.model import ColumnSpec, DType, Signature

X, Y = make_classification(120, 3, n_informative=2, n_redundant=0, random_state=3)
SIGNATURE = Signature(tuple(ColumnSpec(n, DType.FP64) for n in ("a", "b", "c")))
SAMPLE = {n: X[:50, i] for i, n in enumerate(("a", "b", "c"))}
FOREST = RandomForestClassifier(5, random_state=0, n_jobs=2).fit(X, Y)


def joblibbed(model: Any, compress: Any = 0) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=compress)
    return buffer.getvalue()


FORMS: dict[str, bytes] = {
    **{f"pickle protocol {p}": pickle.dumps(FOREST, protocol=p) for p in (2, 5)},
    "joblib": joblibbed(FOREST),
    "joblib zlib": joblibbed(FOREST, 3),
    "joblib gzip": joblibbed(FOREST, ("gzip", 3)),
    "joblib xz": joblibbed(FOREST, ("xz", 3)),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_pickle_is_read(data: bytes) -> None:
    np.testing.assert_array_equal(unpickle(data).predict_proba(X), FOREST.predict_proba(X))


def test_a_compressed_forest_that_uses_threads_is_converted_and_scores_alike() -> None:
    done = convert(FORMS["joblib zlib"], SIGNATURE, SAMPLE)
    assert (done.model_type, done.rows, done.max_difference) == ("RandomForestClassifier", 50, 0.0)
    scores = SkopsRuntime().load(done.artifact, SIGNATURE).predict(SAMPLE)
    np.testing.assert_allclose(scores, FOREST.predict_proba(X[:50])[:, 1], atol=1e-12)


def test_text_missing_values_and_named_columns_survive_conversion() -> None:
    job = np.array(["x", "y", None, "x"] * 20, dtype=object)
    table = pd.DataFrame({"job": job, "v": [1.0, np.nan, 3.0, 4.0] * 20})
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=4)).fit(table, [0, 1, 1, 0] * 20)
    signature = Signature((ColumnSpec("job", DType.BYTES), ColumnSpec("v", DType.FP64)))
    sample = {"job": job, "v": table["v"].to_numpy()}
    artifact = convert_pickle(joblibbed(model), signature, sample)
    scores = SkopsRuntime().load(artifact, signature).predict(sample)
    np.testing.assert_allclose(scores, model.predict_proba(table)[:, 1], atol=1e-12)


class Runs:
    """Pickles to a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def attacks(marker: Path) -> dict[str, tuple[Any, str]]:
    return {
        "a system call": (Runs(os.system, f"touch {marker}"), "posix.system"),
        "a process": (Runs(subprocess.check_call, ["touch", str(marker)]), "subprocess.check_call"),
        "eval": (Runs(eval, f"open({str(marker)!r}, 'w')"), "builtins.eval"),
        "an import": (Runs(__import__, "antigravity"), "builtins.__import__"),
        "getattr": (Runs(getattr, marker, "touch"), "builtins.getattr"),
        "numpy reading a pickle": (Runs(np.load, str(marker), None, True), "numpy.load"),
        "a memory map that makes a file": (Runs(np.memmap, str(marker), "u1", "w+", 0, 8), "numpy.memmap"),
        "joblib reading a pickle": (Runs(joblib.load, str(marker)), "joblib.numpy_pickle.load"),
        "inside a model": (LogisticRegression(C=Runs(os.system, f"touch {marker}")), "posix.system"),  # type: ignore[arg-type]
        "inside an array of objects": (np.array([Runs(os.system, f"touch {marker}")]), "posix.system"),
        "a function of ours": (FunctionTransformer(joblibbed), "joblibbed"),
        "partial of a system call": (functools.partial(os.system, f"touch {marker}"), "posix.system"),
    }


@pytest.mark.parametrize("name", attacks(Path("x")))
@pytest.mark.parametrize("save", [pickle.dumps, joblibbed], ids=["pickle", "joblib"])
def test_a_global_outside_the_allow_list_is_never_called_and_is_named(tmp_path: Path, name: str, save: Any) -> None:
    marker = tmp_path / "marker"
    payload, offender = attacks(marker)[name]
    with pytest.raises(ArtifactError, match="is not admitted") as caught:
        unpickle(save(payload))
    assert offender in str(caught.value)
    assert not marker.exists()


def test_the_refusal_reaches_the_caller_from_the_locked_down_process(tmp_path: Path) -> None:
    data = joblibbed(Runs(os.system, f"touch {tmp_path / 'marker'}"), 3)
    with pytest.raises(ArtifactError, match=r"names posix\.system, which is not admitted"):
        convert(data, SIGNATURE, SAMPLE)
    assert not (tmp_path / "marker").exists()


JAILED = """
import json, sys
from roadworthy.adapters.runtimes.pickles.jail import lock_down
lock_down(8 << 30, 60)
for attempt in json.load(sys.stdin):
    try:
        exec(attempt)
        print("nothing stopped", attempt)
    except PermissionError as error:
        print(error)
"""
ATTEMPTS = [
    "import socket; socket.create_connection(('127.0.0.1', 9))",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.system('true')",
    "import os; os.fork()",
    "open('made', 'w')",
    "import os; os.open('made', os.O_CREAT | os.O_WRONLY)",
    "import os; os.remove('kept')",
    "import ctypes; ctypes.CDLL(None)",
]


def test_even_code_that_ran_there_could_not_reach_out(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    ran = subprocess.run(
        [sys.executable, "-c", JAILED], input=json.dumps(ATTEMPTS), capture_output=True, text=True, check=True,
        cwd=tmp_path, timeout=120,
    )  # fmt: skip
    said = ran.stdout.splitlines()
    assert len(said) == len(ATTEMPTS)
    assert all(line.startswith("the model tried") for line in said), said
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


@pytest.mark.slow
def test_memory_in_the_locked_down_process_is_bounded() -> None:
    bomb = zlib.compress(b"\x80\x04" + b"\x00" * 900_000_000, 9)
    code = "from roadworthy.adapters.runtimes.pickles.jail import *; lock_down(1 << 30, 60); "
    ran = subprocess.run(
        [sys.executable, "-c", code + "print(answer({}, sys.stdin.buffer.read()))"],
        input=bomb, capture_output=True, check=True, timeout=120, env={"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert b"takes too much memory" in ran.stdout


WHOLE = pickle.dumps(FOREST)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"age,job\n30,clerk\n", "a text file", id="a text file"),
        pytest.param(b"", "an empty file", id="an empty file"),
        pytest.param(b"\x00\x01\x02" * 9, "of no known format", id="noise"),
        pytest.param(WHOLE[: len(WHOLE) // 2], "cannot be read", id="a truncated pickle"),
    ],
)
def test_a_file_that_is_no_whole_pickle_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        convert(data, SIGNATURE, SAMPLE)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(joblibbed(FOREST, 3)[:900], "cannot be read", id="a truncated compressed joblib"),
        pytest.param(pickle.dumps(RidgeClassifier().fit(X, Y)), "no predict_proba", id="without probabilities"),
        pytest.param(pickle.dumps({"a": 1}), "no predict_proba", id="a dictionary"),
        pytest.param(pickle.dumps(LogisticRegression().fit(X[:, :2], Y)), "takes 2 columns", id="another width"),
        pytest.param(pickle.dumps(LogisticRegression()), "not fitted", id="not fitted"),
    ],
)
def test_what_is_no_model_to_serve_is_refused_with_the_reason(data: bytes, why: str) -> None:
    kept = {n: {"kind": "f", "values": c.tolist()} for n, c in SAMPLE.items()}
    said, body = unpack(answer({"names": ["a", "b", "c"], "sample": kept}, data))
    assert why in said["refused"]
    assert body == b""


def test_a_sample_without_rows_or_columns_is_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        convert(WHOLE, SIGNATURE, {n: c[:0] for n, c in SAMPLE.items()})
    with pytest.raises(DataError, match="lacks the column 'c'"):
        convert(WHOLE, SIGNATURE, {n: SAMPLE[n] for n in ("a", "b")})


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.externals.joblib", "load"),
        ("sklearn.datasets", "fetch_openml"),
        ("sklearn.utils._testing", "SkipTest"),
        ("sklearn.pipeline", "make_pipeline"),
        ("sklearn.tree._tree", "Tree.__init__"),
        ("numpy", "memmap"),
        ("numpy.lib.npyio", "DataSource"),
        ("numpy.testing", "rundocs"),
        ("scipy.io", "loadmat"),
        ("scipy.sparse.linalg", "spsolve"),
        ("os", "system"),
        ("builtins", "exec"),
    ],
)
def test_names_that_a_model_does_not_need_are_not_admitted(module: str, name: str) -> None:
    assert not admitted(module, name)
