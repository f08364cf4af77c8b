"""ONNX models through onnxruntime on the CPU: columns by name, or one matrix of all columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]  # onnxruntime ships no types

from roadworthy.adapters.runtimes.scores import answer_of, checked, positive_class, row_count
from roadworthy.domain.errors import ArtifactError, DataError, shortlist
from roadworthy.domain.model import ArtifactFormat, DType, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.statistics.frame import Array, Floats

_DTYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")
_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
_NO_MEMORY = "Failed to allocate memory"
"""onnxruntime's words for it."""
_EXTERNAL = b"\x0a\x08location"
"""How a tensor's reference to a file begins on the wire: field 1 (key), eight bytes, "location"."""

_LOCATION = re.compile(re.escape(_EXTERNAL) + rb"\x12([\x01-\x7f])")
"""Such a reference up to the length of the name: field 2 (value), one byte of length."""

NOTHING: Mapping[str, bytes] = MappingProxyType({})


class OnnxRuntime:
    """Loads ONNX classifiers.

    Parameters:
        threads: threads inside one prediction; 1 leaves the cores to concurrent requests.
    """

    format = ArtifactFormat.ONNX

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    def load(self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = NOTHING) -> Predictor:
        """A predictor; `beside` are the files with its weights, by the names it gives them.

        Raises:
            ArtifactError: what `open` refuses, inputs that the signature does not name, or no output of
                probabilities.
        """
        return OnnxPredictor(self.open(artifact, beside), signature)

    def open(self, artifact: bytes, beside: Mapping[str, bytes] = NOTHING) -> Any:
        """An onnxruntime session. Weights in other files are taken from `beside` and never from the disk.

        Raises:
            ArtifactError: not an ONNX model this onnxruntime runs, or weights in a file that is not given.
        """
        absent = [name for name in beside_of(artifact) if name not in beside]
        if absent:
            raise ArtifactError(
                f"the ONNX model keeps weights in another file ({shortlist(absent)})",
                remedy="Hand in the folder that holds both, or save it with all weights inside one file.",
            )
        options = ort.SessionOptions()
        if beside:
            names, parts = list(beside), list(beside.values())
            options.add_external_initializers_from_files_in_memory(names, parts, [len(part) for part in parts])
        options.intra_op_num_threads = options.inter_op_num_threads = self._threads
        options.log_severity_level = 4
        try:
            return ort.InferenceSession(artifact, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            raise ArtifactError(
                f"onnxruntime does not load the model: {text}", remedy="Export it again for the installed version."
            ) from error


def beside_of(artifact: bytes) -> tuple[str, ...]:
    """The files an ONNX model keeps weights in, each once, as it names them.

    Raises:
        ArtifactError: a reference in another form than exporters write: it could hide where it leads.
    """
    found: list[str] = []
    for match in _LOCATION.finditer(artifact):
        name = artifact[match.end() : match.end() + match[1][0]]
        found.append(name.decode("utf-8", "backslashreplace"))
    if len(found) != artifact.count(_EXTERNAL):
        raise ArtifactError(
            "the ONNX model refers to a file in a form that is not read here",
            remedy="Save it with all weights inside one file.",
        )
    return tuple(dict.fromkeys(found))


class OnnxPredictor:
    """Scores rows with one onnxruntime session; any number of threads may call `predict`."""

    def __init__(self, session: Any, signature: Signature) -> None:
        self._session = session
        self._names = signature.names
        self._inputs = {i.name: i.type for i in session.get_inputs()}
        unknown = {name: kind for name, kind in self._inputs.items() if kind not in _DTYPES}
        if unknown:
            raise ArtifactError(f"the ONNX model takes inputs of the kinds {unknown}", remedy="Use plain tensors.")
        self._as_matrix = self._takes_matrix(signature)
        self._output, self._is_map = _probabilities(session)

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing or of another kind. ModelRaisedError, BadOutputError: the model
                misbehaved.
        """
        n_rows = row_count(columns, self._names if self._as_matrix else self._inputs)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        return self._scores(self._matrix(columns) if self._as_matrix else self._columns(columns), n_rows)

    def _scores(self, feed: dict[str, Any], n_rows: int) -> Floats:
        answer = answer_of(lambda: self._run(feed))
        if self._is_map:
            return checked(_from_maps(answer), n_rows)
        if np.ndim(answer) == 2 and np.shape(answer)[1] == 2:
            return positive_class(answer, n_rows)
        if np.ndim(answer) == 2 and np.shape(answer)[1] == 1:
            return checked(answer[:, 0], n_rows)
        return checked(answer, n_rows)

    @property
    def predict_matrix(self) -> Callable[[Floats], Floats] | None:
        """Scores of all columns as one float64 array, (n_rows, n_columns) in the signature's order; None: not as one.

        The same as `predict` of those columns.
        """
        floats = next(iter(self._inputs.values())) in _FLOATS
        return self._of_matrix if self._as_matrix and floats and not self._is_map else None

    def _of_matrix(self, values: Floats) -> Floats:
        name, kind = next(iter(self._inputs.items()))
        return self._scores({name: values.astype(_DTYPES[kind])}, len(values))

    def _run(self, feed: dict[str, Any]) -> Any:
        try:
            return self._session.run([self._output], feed)[0]
        except Exception as error:
            if _NO_MEMORY not in str(error):
                raise
            # Callers tell what a limit ended from what a model did wrong by the class of the cause.
            raise MemoryError(str(error)) from error

    def _takes_matrix(self, signature: Signature) -> bool:
        """Whether the one input holds all columns; otherwise every input must be a column of the signature."""
        if set(self._inputs) <= set(self._names):
            return False
        width = self._session.get_inputs()[0].shape[-1:]
        if len(self._inputs) > 1 or (isinstance(width[0] if width else 0, int) and width != [len(self._names)]):
            raise ArtifactError(
                f"the ONNX model takes {shortlist(list(self._inputs))} and the signature names"
                f" {shortlist(self._names)}",
                remedy="Export it with one input per column, or with one matrix of all its columns.",
            )
        text = [c.name for c in signature.inputs if c.dtype is DType.BYTES]
        if text and next(iter(self._inputs.values())) != "tensor(string)":
            raise ArtifactError(
                f"the ONNX model takes one matrix of numbers and the columns {shortlist(text)} are text",
                remedy="Export it with one input per column.",
            )
        return True

    def _matrix(self, columns: Columns) -> dict[str, Array]:
        name, kind = next(iter(self._inputs.items()))
        parts = [_converted(n, columns[n], kind) for n in self._names]
        return {name: np.column_stack(parts)}

    def _columns(self, columns: Columns) -> dict[str, Array]:
        return {n: _converted(n, columns[n], kind).reshape(-1, 1) for n, kind in self._inputs.items()}


def _converted(name: str, column: Any, kind: str) -> Array:
    values = np.asarray(column)
    if kind == "tensor(string)":
        if any(v is None for v in values.tolist()):
            raise DataError(
                f"column '{name}' has missing text, which an ONNX model cannot take",
                remedy="Fill it before the model, for example with the text 'missing' in training and in requests.",
                column=name,
            )
        return values.astype(np.str_).astype(np.object_)
    if values.dtype.kind not in "fiub":
        raise DataError(f"column '{name}' is text, not numbers", remedy=f"The model takes {kind}.", column=name)
    if kind in ("tensor(int64)", "tensor(int32)") and values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"column '{name}' has missing values", remedy=f"The model takes {kind}.", column=name)
    return values.astype(_DTYPES[kind])


def _probabilities(session: Any) -> tuple[str, bool]:
    """The output with the scores, and whether it is a list of class -> probability."""
    outputs = session.get_outputs()
    fitting = [o for o in outputs if o.type in _FLOATS or o.type in _MAPS]
    named = [o for o in fitting if "prob" in o.name.lower() or "score" in o.name.lower()]
    if not fitting:
        raise ArtifactError(
            f"the ONNX model answers {[(o.name, o.type) for o in outputs]}, none of which can be a probability",
            remedy="Export the classifier with its probabilities.",
        )
    chosen = (named or fitting)[-1]
    return chosen.name, chosen.type in _MAPS


def _from_maps(answer: Any) -> list[float]:
    """The probability of the greater of two classes, row by row."""
    return [row[max(row)] if len(row) == 2 else float("nan") for row in answer]
