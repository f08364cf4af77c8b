"""Facts about bytes: the format by its first bytes, admitted or not, and what is named outside the allow-list."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from roadworthy.adapters.runtimes.scan import detect, scan
from roadworthy.adapters.runtimes.skops_runtime import save_skops

X, Y = make_classification(60, 3, n_informative=2, n_redundant=0, random_state=3)
MODEL = LogisticRegression().fit(X, Y)


def compressed(value: Any, kind: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=kind)
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


FORMATS = {
    "skops": (save_skops(MODEL), "skops"),
    "onnx": (to_onnx(MODEL, X[:1].astype(np.float32)).SerializeToString(), "onnx"),
    "pickle 0": (pickle.dumps(MODEL, protocol=0), "pickle"),
    "pickle 2": (pickle.dumps(MODEL, protocol=2), "pickle"),
    "pickle 5": (pickle.dumps(MODEL, protocol=5), "pickle"),
    "joblib": (compressed(MODEL, 0), "pickle"),
    **{f"joblib {k}": (compressed(MODEL, (k, 3)), "pickle") for k in ("zlib", "gzip", "bz2", "xz", "lzma")},
    "gzip of text": (__import__("gzip").compress(b"hello"), "compressed"),
    "zip": (zipped(), "zip"),
    "text": ("é, text\n".encode() * 1000, "text"),
    "empty": (b"", "empty"),
    "noise": (bytes(range(256)), "unknown"),
}


@pytest.mark.parametrize(("data", "form"), FORMATS.values(), ids=FORMATS.keys())
def test_a_format_is_told_by_its_bytes(data: bytes, form: str) -> None:
    assert detect(data) == form
    assert scan(data).format == form


@pytest.mark.parametrize(("data", "form"), FORMATS.values(), ids=FORMATS.keys())
def test_only_skops_and_onnx_are_admitted(data: bytes, form: str) -> None:
    found = scan(data)
    assert found.admitted is (form in ("skops", "onnx"))
    assert found.reason


def test_types_that_loading_would_refuse_are_listed() -> None:
    found = scan(skops.io.dumps(KNeighborsClassifier(algorithm="kd_tree").fit(X, Y)))
    assert not found.admitted
    assert "sklearn.neighbors._kd_tree.KDTree" in found.untrusted


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_globals_of_a_pickle_outside_the_allow_list_are_listed_and_not_run(protocol: int) -> None:
    assert scan(pickle.dumps([MODEL, Evil()], protocol=protocol)).untrusted == ("posix.system",)
    assert scan(pickle.dumps(MODEL, protocol=protocol)).untrusted == ()


def test_a_compressed_pickle_says_that_it_was_not_looked_into() -> None:
    found = scan(compressed(Evil(), 3))
    assert (found.admitted, found.untrusted) == (False, ())
    assert "not looked into" in found.reason


@pytest.mark.parametrize("data", [FORMATS["skops"][0], FORMATS["onnx"][0]], ids=["skops", "onnx"])
def test_a_damaged_file_of_an_admitted_format_is_not_admitted(data: bytes) -> None:
    assert not scan(data[: len(data) // 2]).admitted
