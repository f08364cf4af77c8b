"""Asking the arms for scores, so that one arm's or one request's failure stays its own.

Rows of all waiting requests are predicted together, once per arm. When such a call fails, each request is asked
alone, so a request never fails because of its neighbours. Rows whose challenger failed are answered by the
champion, unless the caller insists on the challenger's version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.domain.errors import BadOutputError, shortlist
from roadworthy.domain.serving import ArmRole
from roadworthy.gateway.assign import Assignment, Routes
from roadworthy.gateway.breaker import Guarded
from roadworthy.gateway.request import Rows
from roadworthy.gateway.resolve import LoadedArm, Served
from roadworthy.statistics.frame import Array, Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of one request's rows; every list has shape (n_rows,).

    Attributes:
        assignments: the arm each row was assigned, and with which probability.
        scores: the answered score; NaN for held-out rows and rows nobody could answer.
        failures: why a row's own arm failed; empty when it did not.
        fallback: whether the champion answered in place of a failed arm.
        unanswered: why at least one row has no answer; empty when all have one.
    """

    assignments: list[Assignment]
    scores: Floats
    failures: list[str]
    fallback: list[bool]
    unanswered: str


@dataclass(frozen=True, slots=True)
class _Ask:
    """Some rows of one request, for one arm."""

    request: int
    indices: list[int]


def score(served: Served, requests: Sequence[Rows], routes: Sequence[Routes]) -> list[Scored]:
    """Scores for every row of every request, in order; never raises for a model's sake.

    A failed arm's rows are answered by the champion where it is licensed for them.
    """
    results = [_assigned(rows, route) for rows, route in zip(requests, routes, strict=True)]
    fallen: dict[int, list[int]] = {}
    for loaded in served.arms.values():
        if loaded is not served.champion:
            asks = _asks(results, loaded)
            for ask, failed in zip(asks, _ask_all(loaded, requests, asks, results), strict=True):
                _note_failure(results[ask.request], ask.indices, failed)
                if failed and not requests[ask.request].version:
                    spare = routes[ask.request].spare
                    fallen.setdefault(ask.request, []).extend(row for row in ask.indices if spare[row])
    asks = _asks(results, served.champion, fallen)
    for ask, failed in zip(asks, _ask_all(served.champion, requests, asks, results), strict=True):
        own = set(ask.indices).difference(fallen.get(ask.request, ()))
        _note_failure(results[ask.request], sorted(own), failed)
        if not failed:
            for row in fallen.get(ask.request, ()):
                results[ask.request].fallback[row] = True
    return [_concluded(result) for result in results]


def _assigned(rows: Rows, routes: Routes) -> Scored:
    n = rows.n_rows
    return Scored(routes.assignments, np.full(n, np.nan), [""] * n, [False] * n, "")


def _asks(results: Sequence[Scored], loaded: LoadedArm, extra: Mapping[int, list[int]] | None = None) -> list[_Ask]:
    asks = []
    for request, result in enumerate(results):
        own = [row for row, a in enumerate(result.assignments) if a.arm.name == loaded.arm.name]
        indices = sorted((*own, *(extra or {}).get(request, ())))
        if indices:
            asks.append(_Ask(request, indices))
    return asks


def _ask_all(loaded: LoadedArm, requests: Sequence[Rows], asks: list[_Ask], results: Sequence[Scored]) -> list[str]:
    """Put the scores of all asks into `results`; the error text per ask, empty when it went well."""
    failures = [_lacking(loaded, requests[ask.request]) for ask in asks]
    able = [ask for ask, failed in zip(asks, failures, strict=True) if not failed]
    if not able:
        return failures
    together = _predict(loaded, requests, able, results)
    if not together:
        return failures
    if len(able) == 1:
        return [failed or together for failed in failures]
    return [
        failed or _predict(loaded, requests, [ask], results) for ask, failed in zip(asks, failures, strict=True)
    ]


def _lacking(loaded: LoadedArm, rows: Rows) -> str:
    signature = loaded.arm.signature
    names = [name for name in signature.names if name not in rows.columns] if signature else []
    return (
        f"the request has no column {shortlist(names)}, which version {loaded.arm.version} takes" if names else ""
    )


def _predict(loaded: LoadedArm, requests: Sequence[Rows], asks: Sequence[_Ask], results: Sequence[Scored]) -> str:
    try:
        columns = _gathered(loaded, requests, asks)
        answered = _checked(loaded, columns, sum(len(ask.indices) for ask in asks))
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and that is recorded as its failure
        return f"{type(error).__name__}: {error}"[:500]
    start = 0
    for ask in asks:
        results[ask.request].scores[ask.indices] = answered[start : start + len(ask.indices)]
        start += len(ask.indices)
    return ""


def _gathered(loaded: LoadedArm, requests: Sequence[Rows], asks: Sequence[_Ask]) -> dict[str, Array]:
    names = loaded.arm.signature.names if loaded.arm.signature else ()
    return {
        name: np.concatenate([requests[ask.request].columns[name][ask.indices] for ask in asks]) for name in names
    }


def _checked(loaded: LoadedArm, columns: Mapping[str, Array], n_rows: int) -> Floats:
    scores = np.asarray(loaded.predictor.predict(columns), dtype=np.float64)
    if scores.shape != (n_rows,) or not np.all((scores >= 0) & (scores <= 1)):
        if isinstance(loaded.predictor, Guarded):
            loaded.predictor.breaker.failed()
        raise BadOutputError(
            f"version {loaded.arm.version} answered {n_rows} rows with shape {scores.shape}, "
            f"{int(np.sum(~((scores >= 0) & (scores <= 1))))} of them not in 0..1",
            remedy="Send the model back to development; a score is one number in 0..1 per row.",
            version=loaded.arm.version,
        )
    return scores


def _note_failure(result: Scored, indices: Sequence[int], failed: str) -> None:
    if failed:
        for row in indices:
            result.failures[row] = failed


def _concluded(result: Scored) -> Scored:
    for row, assignment in enumerate(result.assignments):
        if assignment.arm.role is not ArmRole.HOLD_OUT and np.isnan(result.scores[row]):
            failed = result.failures[row]
            return Scored(result.assignments, result.scores, result.failures, result.fallback, failed)
    return result
