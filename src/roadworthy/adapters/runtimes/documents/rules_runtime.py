"""Business rules as a model: named CEL expressions over the columns; the first rule that holds gives the score.

    roadworthy: rules/1
    let: {load: debt / income}
    rules:
      - {name: minor, when: age < 18, score: 0}
      - {name: strained, when: load > 0.6, score: 0.2 + load / 10.0}
    otherwise: 0.5

The Common Expression Language has no loops, no assignments and no access to anything but the columns. Its macros
(`map`, `all`, ...) are left out as well, so that an expression's time grows with its length alone. Expressions run in
`common-expression-language`, a Rust evaluator under MIT: one row of four comparisons takes 19 us there and 2.4 ms in
`cel-python` (Apache-2.0).

References:
    https://cel.dev, the language definition. It does not mix kinds of numbers in arithmetic: an INT64 column is an
    integer, an FP64 column a double, and a missing value is `null`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from roadworthy.adapters.runtimes.documents.reading import read_document
from roadworthy.adapters.runtimes.optional import library
from roadworthy.adapters.runtimes.scores import answer_of, checked, row_count, scanned, stands_alone
from roadworthy.domain.errors import ArtifactError, shortlist
from roadworthy.domain.model import ArtifactFormat, DType, Signature
from roadworthy.domain.ports import Columns, Predictor
from roadworthy.domain.serving import Scan
from roadworthy.statistics.frame import Floats

MOST_RULES = 1000
MOST_LETTERS = 2000
"""Letters of one expression."""

_MACRO = re.compile(r"\b(map|filter|all|exists|exists_one|existsOne|transformList|transformMap|cel)\s*[(.]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
FUNCTIONS = frozenset({"size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string"})
"""Functions an expression may call, beside operators."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`when` is a CEL expression of true or false, `score` a number in 0..1 or an expression of one."""

    name: str
    when: str
    score: float | str


class Rules(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A rules document: `let` names expressions for those after it; `otherwise` is the score when no rule holds."""

    rules: tuple[Rule, ...]
    otherwise: float | str | None
    let: dict[str, str] = {}
    description: str = ""


class RulesRuntime:
    """Loads rules documents."""

    format = ArtifactFormat.RULES

    def load(
        self, artifact: bytes, signature: Signature, beside: Mapping[str, bytes] = MappingProxyType({})
    ) -> Predictor:
        """A predictor.

        Raises:
            ArtifactError: what `compile_rules` refuses, or a name that is neither a column nor defined before it.
            MissingExtraError: the library is not installed.
        """
        stands_alone("a rules document", beside)
        return RulesPredictor(compile_rules(artifact), signature)


class Compiled:
    """The programs of a document; an expression that is a plain number has none."""

    def __init__(self, let: Mapping[str, Any], rules: Sequence[tuple[str, Any, Any]], otherwise: Any) -> None:
        self.let, self.rules, self.otherwise = let, rules, otherwise

    def refuse_unknown(self, columns: Sequence[str]) -> None:
        """Refuse a name that is neither a column nor defined before. Raises ArtifactError."""
        known = list(columns)
        for name, program in self.let.items():
            if name in columns:
                raise ArtifactError(f"'{name}' is defined and is a column", remedy="Give it another name.")
            _refuse_names(f"the definition of '{name}'", program, known)
            known.append(name)
        for name, when, score in self.rules:
            _refuse_names(f"rule '{name}'", when, known)
            _refuse_names(f"the score of rule '{name}'", score, known)
        _refuse_names("'otherwise'", self.otherwise, known)


def compile_rules(data: bytes) -> Compiled:
    """The document's expressions, parsed.

    Raises:
        ArtifactError: no rules document, too many rules, two of one name, an expression that is too long, that CEL
            cannot parse, or that calls what rules may not call; or a plain score outside 0..1.
        MissingExtraError: the library is not installed.
    """
    said = read_document(data, "rules", Rules)
    if said.otherwise is None:
        raise ArtifactError("the rules document has no 'otherwise'", remedy="Say what holds when no rule does.")
    return compile_said(said)


def compile_said(said: Rules) -> Compiled:
    """The same for rules that were read; without `otherwise` there is no score (NaN) where no rule holds."""
    if not 0 < len(said.rules) <= MOST_RULES or len(said.let) > MOST_RULES:
        raise ArtifactError(
            f"the document has {len(said.rules)} rules and {len(said.let)} definitions",
            remedy=f"Write 1 to {MOST_RULES} rules, and at most as many definitions.",
        )
    names = [rule.name for rule in said.rules]
    doubled = next((n for n in names if names.count(n) > 1), None)
    if doubled is not None:
        raise ArtifactError(f"two rules have the name '{doubled[:80]}'", remedy="Name every rule once.")
    strange = next((n for n in said.let if not _NAME.fullmatch(n)), None)
    if strange is not None:
        raise ArtifactError(f"'{strange[:80]}' cannot be a name", remedy="Use letters, digits and _.")
    return Compiled(
        {name: _compiled(text, f"the definition of '{name}'") for name, text in said.let.items()},
        [
            (
                r.name,
                _compiled(r.when, f"rule '{r.name[:80]}'"),
                _score(r.score, f"the score of rule '{r.name[:80]}'"),
            )
            for r in said.rules
        ],
        float("nan") if said.otherwise is None else _score(said.otherwise, "'otherwise'"),
    )


def scan_rules(data: bytes) -> Scan:
    """Whether the document's expressions parse and call nothing but what rules may call."""
    return scanned("rules", compile_rules, data, "expressions without loops, over the columns alone")


class RulesPredictor:
    """Scores rows one after another; any number of threads may call `predict`."""

    def __init__(self, compiled: Compiled, signature: Signature) -> None:
        compiled.refuse_unknown(signature.names)
        self._compiled = compiled
        self._kinds = {c.name: c.dtype for c in signature.inputs}

    def predict(self, columns: Columns) -> Floats:
        """Scores, float64 (n_rows,), each in 0..1.

        Raises:
            DataError: a column is missing. ModelRaisedError: an expression cannot be evaluated for a row; names the
                rule. BadOutputError: a score outside 0..1.
        """
        return checked(self.where(columns), row_count(columns, self._kinds))

    def where(self, columns: Columns) -> Floats:
        """What the rules say, float64 (n_rows,): NaN where none holds and nothing is said otherwise.

        Raises:
            DataError: a column is missing. ModelRaisedError: as `predict`.
        """
        n_rows = row_count(columns, self._kinds)
        given = [_values(columns[name], kind) for name, kind in self._kinds.items()]
        names = tuple(self._kinds)
        rows = (dict(zip(names, row, strict=True)) for row in zip(*given, strict=True))
        found: Floats = answer_of(lambda: np.array([self._of(row) for row in rows], dtype=np.float64))
        return found.reshape(n_rows)

    def _of(self, row: dict[str, Any]) -> Any:
        for name, program in self._compiled.let.items():
            row[name] = _result(program, row, f"the definition of '{name}'")
        for name, when, score in self._compiled.rules:
            holds = _result(when, row, f"rule '{name}'")
            if holds is True:
                return _number(score, row, f"the score of rule '{name}'")
            if holds is not False:
                raise ValueError(f"rule '{name}' is {holds!r:.80}, neither true nor false")
        return _number(self._compiled.otherwise, row, "'otherwise'")


def _compiled(text: str, where: str) -> Any:
    text = text.strip()
    if len(text) > MOST_LETTERS or any(ord(letter) < 32 for letter in text):
        raise ArtifactError(
            f"{where} has {len(text)} letters, or line breaks", remedy=f"Write one line of at most {MOST_LETTERS}."
        )
    macro = _MACRO.search(text)
    if macro:
        raise ArtifactError(f"{where} calls {macro[1]}", remedy="Rules have no macros: write the comparisons out.")
    cel = library("cel", "rules", "a rules document")
    try:
        program = cel.compile(text)
    except ValueError as error:
        why = str(error).partition("ERROR: ")[2].split("\n")[0] or str(error)
        raise ArtifactError(f"{where} cannot be read: {why[:200]}", remedy="Correct the expression.") from error
    calls = [f for f in program.functions() if not _is_operator(f) and f not in FUNCTIONS]
    if calls:
        raise ArtifactError(
            f"{where} calls {shortlist(calls)}",
            remedy=f"Allowed: {shortlist(sorted(FUNCTIONS), 20)}, and operators.",
        )
    return program


def _score(score: float | str, where: str) -> Any:
    if isinstance(score, str):
        return _compiled(score, where)
    if not 0 <= score <= 1:
        raise ArtifactError(f"{where} is {score:g}", remedy="A score is a number in 0..1.")
    return float(score)


def _is_operator(function: str) -> bool:
    """Operators are written with signs (`_+_`, `@in`, `_[_]`), functions with letters."""
    return not function.isidentifier() or not any(letter.isalpha() for letter in function)


def _refuse_names(where: str, program: Any, known: Sequence[str]) -> None:
    unknown = [] if isinstance(program, float) else [n for n in program.variables() if n not in known]
    if unknown:
        raise ArtifactError(
            f"{where} names {shortlist(unknown)}", remedy=f"Known there: {shortlist(list(known), 20)}."
        )


def _values(column: Any, kind: DType) -> list[Any]:
    """A column's values as CEL takes them: whole numbers, doubles, truth, text; None where missing."""
    values: list[Any] = np.asarray(column).tolist()
    if kind is DType.BYTES:
        return values
    made = {DType.INT64: int, DType.FP64: float, DType.BOOL: bool}[kind]
    return [None if v is None or v != v else made(v) for v in values]  # noqa: PLR0124 - NaN is what differs from itself


def _result(program: Any, row: dict[str, Any], where: str) -> Any:
    try:
        return program.execute(row)
    except Exception as error:
        said = " ".join(str(error).split()).partition(". ")[0]
        raise ValueError(f"{where}: {said[:200]}") from error


def _number(score: Any, row: dict[str, Any], where: str) -> Any:
    found = score if isinstance(score, float) else _result(score, row, where)
    if type(found) not in (int, float):
        raise ValueError(f"{where} is {found!r:.80}, no number")
    return found
