"""Compositions as one predictor: rules before, the members, rules after; and what stands in when members fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType

import numpy as np

from roadworthy.adapters.runtimes.composed.combining import combined
from roadworthy.adapters.runtimes.composed.reading import read_composition
from roadworthy.adapters.runtimes.documents.rules_runtime import Rule, Rules, RulesPredictor, compile_said
from roadworthy.adapters.runtimes.folders import open_folder
from roadworthy.adapters.runtimes.scores import checked, row_count
from roadworthy.domain.errors import ArtifactError, ModelError, ModelRaisedError
from roadworthy.domain.model import ArtifactFormat, ColumnSpec, DType, Signature
from roadworthy.domain.ports import Columns, Predictor, Runtime
from roadworthy.domain.storing.composition import DOCUMENT, SCORE, Composition, Fallback, Part, RuleSet, unpacked
from roadworthy.domain.storing.folder import Folder
from roadworthy.statistics.frame import Array, Floats

_WORKERS = 8
"""Predictions with a time limit that may be under way at once; a model that hangs keeps its thread."""


class ComposedRuntime:
    """Loads compositions.

    Parameters:
        members: the runtimes of the formats that members may have.
    """

    format = ArtifactFormat.COMPOSITION

    def __init__(self, members: Sequence[Runtime]) -> None:
        self._runtimes = {runtime.format: runtime for runtime in members}

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor of the document `artifact`; `beside` are the members' files.

        Raises:
            ArtifactError: no composition, a member that is not the artifact the document names or does not load, or a
                column that the signature does not have.
            MissingExtraError: the library of a member or of rules is not installed.
        """
        composition = read_composition(artifact)
        absent = [n for n in composition.inputs if n not in signature.names]
        if absent:
            raise ArtifactError(
                f"the composition takes {', '.join(composition.inputs)[:200]} and the signature lacks"
                f" {', '.join(absent)[:200]}",
                remedy="Register it with all its members' columns.",
                missing=absent,
            )
        members = {part.name: self._member(part, {DOCUMENT: artifact, **beside}) for part in composition.parts}
        return ComposedPredictor(composition, members, signature)

    def _member(self, part: Part, files: Mapping[str, bytes]) -> Predictor:
        artifact = unpacked(files, part)
        runtime = self._runtimes.get(part.format)
        if runtime is None:
            raise ArtifactError(
                f"member '{part.name}' is a {part.format.value}", remedy="Members are single models or rules."
            )
        try:
            if isinstance(artifact, Folder):
                return self._of_folder(runtime, part, artifact)
            return runtime.load(artifact, part.signature)
        except ArtifactError as error:
            raise ArtifactError(f"member '{part.name}': {error.what}", remedy=error.remedy) from error

    @staticmethod
    def _of_folder(runtime: Runtime, part: Part, folder: Folder) -> Predictor:
        opened = open_folder(folder)
        return runtime.load(opened.model, part.signature, opened.beside)


class ComposedPredictor:
    """Scores rows with all members; any number of threads may call `predict`."""

    def __init__(self, composition: Composition, members: Mapping[str, Predictor], signature: Signature) -> None:
        self._composition = composition
        self._members = members
        self._names = signature.names
        self._before = _rules(composition.before, signature)
        after = Signature((*signature.inputs, ColumnSpec(SCORE, DType.FP64)))
        self._after = _rules(composition.after, after)
        self._limit_s = composition.fallback.after_ms / 1000 if composition.fallback else 0.0
        self._pool = ThreadPoolExecutor(_WORKERS, "composition") if self._limit_s else None

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing or of another kind. ModelError: a member or a rule failed, and nothing
                stands in for it.
        """
        n_rows = row_count(columns, self._names)
        if n_rows == 0:
            return np.empty(0, dtype=np.float64)
        given = {name: np.asarray(columns[name]) for name in self._names}
        if self._before is None:
            scores = self._answered(given)
        else:
            scores = self._before.where(given)
            rest = np.flatnonzero(np.isnan(scores))
            if len(rest):
                scores[rest] = self._answered(_rows(given, rest))
        if self._after is not None:
            said = self._after.where({**given, SCORE: scores})
            scores = np.where(np.isnan(said), scores, said)
        return checked(scores, n_rows)

    def _answered(self, columns: Columns) -> Floats:
        """The members' scores, or where they fail what stands in: for the failing rows alone, found by halving."""
        fallback = self._composition.fallback
        if fallback is None:
            return self._asked(columns)
        try:
            return self._in_time(columns)
        except TimeoutError:
            return self._instead(fallback, columns)
        except ModelError:
            n_rows = len(columns[self._names[0]])
            if n_rows == 1:
                return self._instead(fallback, columns)
            halves = np.array_split(np.arange(n_rows), 2)
            return np.concatenate([self._answered(_rows(columns, half)) for half in halves])

    def _asked(self, columns: Columns) -> Floats:
        return combined(self._composition, lambda name, seen: self._members[name].predict(seen), columns)

    def _in_time(self, columns: Columns) -> Floats:
        if self._pool is None:
            return self._asked(columns)
        running: Future[Floats] = self._pool.submit(self._asked, columns)
        try:
            return running.result(self._limit_s)
        except TimeoutError:
            running.cancel()
            raise

    def _instead(self, fallback: Fallback, columns: Columns) -> Floats:
        if fallback.member:
            return np.asarray(self._members[fallback.member].predict(columns), dtype=np.float64)
        if fallback.score is None:
            raise ModelRaisedError("the composition failed and nothing stands in", remedy="Give it a fallback.")
        return np.full(len(columns[self._names[0]]), fallback.score)


def _rules(said: RuleSet | None, signature: Signature) -> RulesPredictor | None:
    if said is None:
        return None
    rules = tuple(Rule(name, when, score) for name, when, score in said.rules)
    return RulesPredictor(compile_said(Rules(rules, None, dict(said.let))), signature)


def _rows(columns: Columns, where: Array) -> dict[str, Array]:
    return {name: column[where] for name, column in columns.items()}
