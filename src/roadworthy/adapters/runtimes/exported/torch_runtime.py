"""PyTorch programs from `torch.export`, run operator by operator: nothing of the file is looked up or executed."""

from __future__ import annotations

import io
import operator
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from roadworthy.adapters.runtimes.exported.program import DTYPES, DTypeOf, Input, Named, Program, read_program
from roadworthy.adapters.runtimes.optional import library
from roadworthy.adapters.runtimes.scores import answer_of, checked, matrix, positive_class, row_count, stands_alone
from roadworthy.domain.errors import ArtifactError, DataError, shortlist
from roadworthy.domain.model import ArtifactFormat, DType, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Scan
from roadworthy.statistics.frame import Array, Floats

_SIZES = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "neg": operator.neg,
}


class TorchRuntime:
    """Loads programs that `torch.export.save` wrote (.pt2)."""

    format = ArtifactFormat.TORCH

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor; such a file refers to nothing beside it.

        Raises:
            ArtifactError: files beside it, what `read_program` refuses, other inputs than the signature's columns, or
                an operator the installed torch does not have.
            MissingExtraError: torch is not installed.
        """
        stands_alone("an exported program", beside)
        program = read_program(artifact)
        _refuse_other_inputs(program.inputs, signature)
        return TorchPredictor(library("torch", "torch", "an exported PyTorch program"), program, signature)


def scan_torch(data: bytes) -> Scan:
    """Whether the file is a program of admitted operators with raw weights; torch itself is not asked."""
    try:
        program = read_program(data)
    except ArtifactError as error:
        operators = error.fields.get("operators", ())
        outside = tuple(operators) if isinstance(operators, list) else ()
        return Scan("torch-export", admitted=False, untrusted=outside, reason=error.what)
    reason = f"{len(program.nodes)} operators, each on the allow-list; weights are plain numbers"
    return Scan("torch-export", admitted=True, untrusted=(), reason=reason)


def save_torch(model: Any) -> bytes:
    """An `ExportedProgram` as a .pt2 file. Raises ArtifactError: a module that was not exported."""
    torch = library("torch", "torch", "an exported PyTorch program")
    if not isinstance(model, torch.export.ExportedProgram):
        raise ArtifactError(
            f"the model ({type(model).__name__}) is not an exported program",
            remedy="Give torch.export.export(model.eval(), (example,), dynamic_shapes=({0: Dim('rows')},)).",
        )
    stored = io.BytesIO()
    torch.export.save(model, stored)
    return stored.getvalue()


class TorchPredictor:
    """Scores rows with one program; any number of threads may call `predict`, operators do not hold the GIL."""

    def __init__(self, torch: Any, program: Program, signature: Signature) -> None:
        self._torch = torch
        self._names = signature.names
        self._inputs = program.inputs
        self._output = program.output
        self._dtypes = {number: getattr(torch, np.dtype(kind).name) for number, kind in DTYPES.items()}
        self._weights = {name: torch.from_numpy(array.copy()) for name, array in program.weights.items()}
        self._steps = [(self._operator(n.target), n) for n in program.nodes]

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing or is text. ModelRaisedError, BadOutputError: the model misbehaved.
        """
        n_rows = row_count(columns, self._names)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        given = self._given(columns, n_rows)
        answer = answer_of(lambda: self._run(given))
        if answer.ndim == 2 and answer.shape[1] == 2:
            return positive_class(answer, n_rows)
        return checked(answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer, n_rows)

    def _given(self, columns: Columns, n_rows: int) -> dict[str, Array]:
        arrays = {name: np.asarray(columns[name]) for name in self._names}
        text = next((name for name, array in arrays.items() if array.dtype.kind not in "fiub"), None)
        if text is not None:
            raise DataError(f"column '{text}' is text, not numbers", remedy="Give numbers.", column=text)
        if _as_matrix(self._inputs):
            whole = matrix([arrays[n] for n in self._names])
            return {self._inputs[0].name: whole.astype(self._inputs[0].dtype)}
        return {i.name: arrays[i.name].astype(i.dtype).reshape((n_rows, *i.sizes[1:])) for i in self._inputs}

    def _run(self, given: dict[str, Array]) -> Array:
        known: dict[str, Any] = dict(self._weights)
        with self._torch.inference_mode():
            known.update({name: self._torch.from_numpy(array) for name, array in given.items()})
            for call, node in self._steps:
                arguments = [self._value(v, known) for v in node.arguments]
                named = {k: self._value(v, known) for k, v in node.named.items()}
                answer = call(*arguments, **named)
                if node.many:
                    known.update(zip(node.answers, answer, strict=True))
                else:
                    known[node.answers[0]] = answer
            return np.asarray(known[self._output].detach().numpy())

    def _value(self, value: Any, known: Mapping[str, Any]) -> Any:
        if isinstance(value, Named):
            return known[value.name]
        if isinstance(value, list):
            return [self._value(v, known) for v in value]
        return self._dtypes[value.number] if isinstance(value, DTypeOf) else value

    def _operator(self, target: str) -> Any:
        """The operator by its name, which `read_program` has admitted."""
        parts = target.split(".")
        if parts[0] == "_operator":
            return _SIZES[parts[1]]
        overloads = getattr(self._torch.ops.aten, parts[3], None)
        found = getattr(overloads, parts[4], None)
        if found is None:
            raise ArtifactError(
                f"the installed torch has no operator {target[:80]}", remedy="Export the model with this version."
            )
        return found


def _as_matrix(inputs: tuple[Input, ...]) -> bool:
    return len(inputs) == 1 and len(inputs[0].sizes) == 2


def _refuse_other_inputs(inputs: tuple[Input, ...], signature: Signature) -> None:
    names, width = [i.name for i in inputs], len(signature.names)
    text = [c.name for c in signature.inputs if c.dtype is DType.BYTES]
    by_name = sorted(names) == sorted(signature.names) and all(i.sizes[1:] in ((), (1,)) for i in inputs)
    fits = (_as_matrix(inputs) and inputs[0].sizes[1] in (0, width)) or by_name
    if not fits or text:
        shapes = [f"{i.name} {list(i.sizes)}" for i in inputs]
        raise ArtifactError(
            f"the exported program takes {shortlist(shapes)} and the signature names {shortlist(signature.names)}"
            f"{f', of which {shortlist(text)} are text' if text else ''}",
            remedy="Export it with one matrix of all its columns, or with one input per column named like it.",
        )
