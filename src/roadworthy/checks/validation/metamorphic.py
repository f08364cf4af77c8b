"""V3: relations that must hold whatever the right answer is, and inputs at the edge of what is admitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material, Score
from roadworthy.checks.validation.judging import checked, named
from roadworthy.domain.errors import BadOutputError, PlaybookError
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ColumnSpec, DType, Signature
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.verdict import Verdict
from roadworthy.statistics.frame import Array, Floats, Frame, concat

_UNSEEN = "a value never seen in training"


@dataclass(frozen=True)
class MetamorphicParams(Params):
    """`tolerance`: score difference that counts as none; `increasing`, `decreasing`: columns of known direction."""

    rows: int = 256
    alone: int = 32
    tolerance: float = 1e-6
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {
        "rows": (16, 100_000),
        "alone": (1, 1000),
        "tolerance": (0.0, 0.01),
    }


class Metamorphic(Check):
    """A row's score depends on that row only, is the same every time, and exists for every admitted input.

    Needs:
        `sealed` (rows to vary), `score`, `version` (its signature says what is admitted).

    Parameters:
        `rows` (256, 16..100000) sampled; `alone` (32, 1..1000) of them scored one by one; `tolerance` (score, 1e-6,
        0..0.01); `increasing` and `decreasing` (numeric inputs, none): raising such a column from its low to its
        high, all else equal, must not lower (raise) the score.

    Verdict:
        fail when any relation is broken for any sampled row: the same call twice, rows in another order, columns in
        another order, one row alone against in a batch, the input left unchanged (all within `tolerance`); or when
        the model raises or answers no number in 0..1 for rows with one column at an edge: each number at the
        signature's low and high (where it has none: the sample's), all at once at their lows and highs, each
        boolean, each declared category, no value where missing is allowed, and, only where the signature declares
        no categories and so promises to take any text, an unseen one. What the signature refuses never reaches the
        model and is not asked. No error rate: a counter-example is a proof, a pass is none.

    Inconclusive/Error:
        inconclusive with fewer than `rows` / 16 rows or an input that is not in the sealed data; error when a
        directional column is not a numeric input.

    Example:
        >>> from dataclasses import replace
        >>> from roadworthy.checks.validation.example import logistic, material
        >>> Metamorphic().evaluate(material(), MetamorphicParams(increasing=("age",))).verdict.value
        'pass'
        >>> ranked = lambda frame: logistic(frame).argsort().argsort() / frame.n_rows
        >>> Metamorphic().evaluate(material(score=ranked), MetamorphicParams()).reasons
        ('alone',)

    References:
        Chen, Cheung & Yiu 1998 (metamorphic testing); Ribeiro et al., ACL 2020 (CheckList: invariance and
        directional expectation tests).
    """

    id = "metamorphic"
    title = "Metamorphic and boundary tests"
    step = Step.V3
    needs = ("sealed", "score", "version")
    defect = DefectKind.BEHAVIOUR
    params = MetamorphicParams

    def evaluate(self, material: Material, params: MetamorphicParams) -> Finding:
        """Judge the claim; see the class."""
        sealed, score, version = material.sealed, material.score, material.version
        assert sealed and score and version  # noqa: S101, PT018 - the runner saw to the needs
        signature = version.signature
        _refuse_unknown(params, signature)
        absent = [n for n in signature.names if n not in sealed.frame]
        if absent or not signature.inputs or sealed.frame.n_rows < max(2, params.rows / 16):
            return self.finding(
                Verdict.INCONCLUSIVE,
                f"{sealed.frame.n_rows} rows to vary; inputs not among them: {named(absent) or 'none'}.",
                rows=sealed.frame.n_rows,
                reasons=tuple(f"input-missing:{n}" for n in absent) or ("too-few-rows",),
            )
        chosen = material.rng().permutation(sealed.frame.n_rows)[: int(params.rows)]
        sample = sealed.frame.select(signature.names).take(np.sort(chosen))
        tried, broken = _tried(score, sample, signature, params, material.rng())
        many = f"{len(tried)} relations hold on {sample.n_rows} rows."
        told = (
            f"{len(broken)} of {len(tried)} relations are broken: {named(f'{n} ({w})' for n, w in broken.items())}."
        )
        return self.finding(
            Verdict.FAIL if broken else Verdict.PASS,
            told if broken else many,
            statistic=float(len(broken)),
            threshold=0.0,
            unit="broken relations",
            rows=sample.n_rows,
            reasons=tuple(broken)[:50],
            details={"tried": tried[:200], "broken": dict(list(broken.items())[:50])},
        )


def _tried(
    score: Score, sample: Frame, signature: Signature, params: MetamorphicParams, rng: np.random.Generator
) -> tuple[list[str], dict[str, str]]:
    """(names of the relations tried, name -> what went wrong)."""
    tried, broken = [], {}
    tests = [*_relations(score, sample, params, rng), *_edges(score, sample, signature, params)]
    for name, test in tests:
        tried.append(name)
        try:
            wrong = test()
        except BadOutputError as problem:
            wrong = problem.what
        except Exception as problem:  # noqa: BLE001 - a model that raises is what this check looks for
            wrong = f"raised {type(problem).__name__}: {problem}"
        if wrong:
            broken[name] = wrong[:200]
    return tried, broken


_Test = tuple[str, Callable[[], str]]


def _relations(score: Score, sample: Frame, params: MetamorphicParams, rng: np.random.Generator) -> list[_Test]:
    """Relations between answers to the same rows; each test says what is wrong, or nothing."""
    rows = sample.n_rows
    order = rng.permutation(rows)
    names = list(sample.names)[::-1]
    first = np.arange(min(int(params.alone), rows))

    def whole() -> Floats:
        return checked(score(sample), rows)

    def same(other: Floats, expected: Floats) -> str:
        worst = float(np.max(np.abs(other - expected)))
        return f"scores differ by up to {worst:.3g}" if worst > params.tolerance else ""

    def alone() -> str:
        singles = [checked(score(sample.take(np.array([i]))), 1)[0] for i in first]
        return same(np.array(singles), whole()[first])

    def untouched() -> str:
        before = {n: a.copy() for n, a in sample.columns.items()}
        score(sample)
        changed = [n for n, a in sample.columns.items() if not _equal(a, before[n])]
        return f"scoring changed the input columns {named(changed)}" if changed else ""

    return [
        ("deterministic", lambda: same(whole(), whole())),
        ("row-order", lambda: same(checked(score(sample.take(order)), rows), whole()[order])),
        ("column-order", lambda: same(checked(score(sample.select(names)), rows), whole())),
        ("alone", alone),
        ("input-untouched", untouched),
    ]


def _edges(score: Score, sample: Frame, signature: Signature, params: MetamorphicParams) -> Iterator[_Test]:
    """One test per admitted edge of each input."""

    def answers(frame: Frame) -> Callable[[], str]:
        def test() -> str:
            checked(score(frame), frame.n_rows)
            return ""

        return test

    few = sample.take(np.arange(min(16, sample.n_rows)))
    for spec in signature.inputs:
        for label, value in _values(spec, sample):
            yield f"edge:{spec.name}={label}", answers(few.with_column(spec.name, _filled(few, spec, value)))
    numbers = [s for s in signature.inputs if s.dtype in (DType.FP64, DType.INT64)]
    for side in (0, 1):
        if numbers:
            corner = few.with_column(numbers[0].name, _filled(few, numbers[0], _range(numbers[0], sample)[side]))
            for spec in numbers[1:]:
                corner = corner.with_column(spec.name, _filled(few, spec, _range(spec, sample)[side]))
            yield f"edge:all-{'high' if side else 'low'}", answers(corner)
    for names, sign in ((params.increasing, 1.0), (params.decreasing, -1.0)):
        for spec in (s for s in signature.inputs if s.name in names):
            yield f"direction:{spec.name}", _direction(score, sample, spec, sign, params.tolerance)


def _direction(score: Score, sample: Frame, spec: ColumnSpec, sign: float, tolerance: float) -> Callable[[], str]:
    def test() -> str:
        low, high = _range(spec, sample)
        steps = np.linspace(low, high, 5)
        frames = [sample.with_column(spec.name, _filled(sample, spec, float(v))) for v in steps]
        scores = checked(score(concat(frames)), 5 * sample.n_rows).reshape(5, sample.n_rows)
        against = float(np.max(-sign * np.diff(scores, axis=0)))
        return f"the score moves {against:.3g} the wrong way" if against > tolerance else ""

    return test


def _values(spec: ColumnSpec, sample: Frame) -> list[tuple[str, object]]:
    """(label, value) of every admitted edge of one input; None stands for a missing value."""
    found: list[tuple[str, object]] = []
    if spec.dtype in (DType.FP64, DType.INT64):
        low, high = _range(spec, sample)
        found = [("low", low), ("high", high)]
    elif spec.dtype is DType.BOOL:
        found = [("false", False), ("true", True)]
    else:
        found = [(c, c) for c in spec.categories[:50]] or [("unseen", _UNSEEN), ("empty text", "")]
    return [*found, ("missing", None)] if spec.missing_allowed else found


def _range(spec: ColumnSpec, sample: Frame) -> tuple[float, float]:
    present = sample.floats(spec.name)[~sample.missing(spec.name)]
    low = spec.low if spec.low is not None else float(present.min(initial=0.0))
    high = spec.high if spec.high is not None else float(present.max(initial=0.0))
    return low, high


def _filled(frame: Frame, spec: ColumnSpec, value: object) -> Array:
    """A column of one value, in the type in which data of this kind reach a model."""
    if spec.dtype is DType.BYTES:
        column = np.empty(frame.n_rows, dtype=object)
        column[:] = value
        return column
    if value is None:
        return np.full(frame.n_rows, np.nan)
    kind = {DType.INT64: np.int64, DType.BOOL: np.bool_}.get(spec.dtype, np.float64)
    return np.full(frame.n_rows, value).astype(kind)


def _equal(a: Array, b: Array) -> bool:
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fM"))


def _refuse_unknown(params: MetamorphicParams, signature: Signature) -> None:
    numbers = [s.name for s in signature.inputs if s.dtype in (DType.FP64, DType.INT64)]
    for key, names in (("increasing", params.increasing), ("decreasing", params.decreasing)):
        for name in names:
            if name not in numbers:
                raise PlaybookError(
                    f"'{name}' in '{key}' is no numeric input of the model",
                    remedy=f"Allowed: {named(numbers)}.",
                    key=key,
                    allowed=numbers,
                )
