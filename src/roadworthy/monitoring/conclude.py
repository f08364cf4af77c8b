"""One conclusion from all signals: which kind of drift it is, and so where the model goes back to.

Data drift -> data acquisition; business drift -> business understanding; mathematical drift -> analysis; all well
-> go on. When several are true at once, mathematical drift is named first: inputs may move without harm, a score
that has stopped meaning anything may not, however well the KPI does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.domain.errors import shortlist
from roadworthy.domain.returns import WAY_BACK, DefectKind
from roadworthy.domain.review import Signal, SignalKind
from roadworthy.domain.verdict import Verdict, worst


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`defects` are those a failing signal proves, the gravest first; empty unless the verdict is FAIL."""

    verdict: Verdict
    sentence: str
    defects: tuple[DefectKind, ...]


_GRAVITY = (
    DefectKind.SERVING_FAILURE,
    DefectKind.MATHEMATICAL_DRIFT,
    DefectKind.DATA_QUALITY,
    DefectKind.DATA_DRIFT,
    DefectKind.MISCALIBRATED,
    DefectKind.BUSINESS_DRIFT,
)


def conclude(signals: Sequence[Signal]) -> Conclusion:
    """What the signals say together.

    FAIL as soon as one signal failed: a defect that was measured is not made uncertain by another question that
    could not be answered (that one is named in the sentence). Otherwise the worst verdict: missing evidence is
    never a pass.
    """
    failed = [s for s in signals if s.verdict is Verdict.FAIL]
    defects = _in_order({s.defect for s in failed if s.defect is not None})
    if not failed:
        verdict = worst(s.verdict for s in signals)
        return Conclusion(verdict, _without_failure(verdict, signals), ())
    parts = [_PHRASES.get(kind, _generic)(failed, signals, kind) for kind in defects]
    route = f"Goes back to {WAY_BACK[defects[0]].value}" if defects else "No defect kind was named"
    unknown = _unanswered(signals)
    sentence = ". ".join([*parts, route, *([unknown] if unknown else [])]) + "."
    return Conclusion(Verdict.FAIL, sentence, defects)


def _in_order(defects: set[DefectKind]) -> tuple[DefectKind, ...]:
    known = [d for d in _GRAVITY if d in defects]
    return (*known, *sorted(defects - set(known), key=lambda d: d.value))


def _without_failure(verdict: Verdict, signals: Sequence[Signal]) -> str:
    if not signals:
        return "Nothing was measured."
    if verdict is Verdict.PASS:
        return "All well: inputs, score and business are as they were when the model was validated."
    if verdict is Verdict.WARN:
        warned = [s.message for s in signals if s.verdict is Verdict.WARN]
        return f"Serves on, with a warning: {shortlist(warned, 3)}."
    return f"No defect was found, but not everything could be judged. {_unanswered(signals)}."


def _unanswered(signals: Sequence[Signal]) -> str:
    lacking = [s for s in signals if s.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)]
    if not lacking:
        return ""
    questions: dict[str, list[str]] = {}
    for signal in lacking:
        questions.setdefault(signal.kind.value.replace("-", " "), []).append(signal.subject)
    named = [f"{kind} ({shortlist(subjects, 3)})" for kind, subjects in questions.items()]
    return f"Could not judge {shortlist(named, 8)}"


def _mathematical(failed: Sequence[Signal], signals: Sequence[Signal], kind: DefectKind) -> str:
    own = [s for s in failed if s.defect is kind]
    chance = next((s for s in own if s.subject == "chance"), None)
    said = (chance or own[0]).message
    lost = "its score says nothing about the outcome" if chance is not None else "the model itself got worse"
    note = _do_not_congratulate(signals, lost)
    moved = any(s.verdict is Verdict.FAIL and s.defect is DefectKind.DATA_DRIFT for s in failed)
    cause = "; the inputs moved too, but it is the lost meaning that asks for a new model" if moved else ""
    return f"Mathematical drift: {said}{cause}{note}"


def _do_not_congratulate(signals: Sequence[Signal], lost: str) -> str:
    rising = [
        s
        for s in signals
        if s.kind is SignalKind.BUSINESS_DRIFT and s.verdict is Verdict.FAIL and (s.statistic or 0.0) > 0.0
    ]
    if not rising:
        return ""
    main = next((s for s in rising if not s.subject.startswith("hold-out")), rising[0])
    held = next((s for s in rising if s.subject.startswith("hold-out")), None)
    proof = f" ({held.message} without the model)" if held is not None and held is not main else ""
    return f". Do not congratulate the model: {main.message}{proof}, while {lost}"


def _data_drift(failed: Sequence[Signal], signals: Sequence[Signal], kind: DefectKind) -> str:
    own = sorted((s for s in failed if s.defect is kind), key=lambda s: -(s.statistic or 0.0))
    all_columns = sum(s.kind in (SignalKind.DATA_DRIFT, SignalKind.SCORE_DRIFT) for s in signals)
    names = shortlist([s.subject for s in own], 5)
    measured = any(s.monitor == "performance" and s.verdict is not Verdict.INCONCLUSIVE for s in signals)
    note = "" if measured else "; whether the model still works is not known until outcomes arrive"
    return f"Data drift in {len(own)} of {all_columns} columns: {names}{note}"


def _generic(failed: Sequence[Signal], signals: Sequence[Signal], kind: DefectKind) -> str:
    del signals  # only the named kinds look at the whole picture
    own = [s.message for s in failed if s.defect is kind]
    title = kind.value.replace("-", " ").capitalize()
    return f"{title}: {shortlist(own, 2)}"


_PHRASES = {DefectKind.MATHEMATICAL_DRIFT: _mathematical, DefectKind.DATA_DRIFT: _data_drift}
