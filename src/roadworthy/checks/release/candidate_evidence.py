"""R2 `candidate-evidence`: the label `candidate` rests on a passed validation that somebody independent signed."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.gate import Finding, Gate, GateRun, Step
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.trust import SignOff
from roadworthy.domain.verdict import Verdict


@dataclass(frozen=True)
class CandidateEvidenceParams(Params):
    """None: what makes a candidate is not a matter of taste."""


class CandidateEvidence(Check):
    """The newest validation of exactly this version passed, and a sign-off by an outsider binds its evidence.

    Needs:
        version. earlier_runs and sign_offs may be empty: then the evidence does not exist, and that is a failure of
        this claim, not a gap in what could be looked at. validators, where given, are who may sign.

    Parameters:
        none.

    Verdict:
        pass when the newest finished validation run of this version lets through, has evidence, was run on the
        version's artifact (where the run names one), and the newest word of some person who is neither a developer
        nor (where validators are known) without that role is an approval naming that run and its evidence, while
        nobody's newest word on that evidence is a rejection; fail otherwise. No error rate. The label itself is set
        by the life cycle, as the effect.

    Inconclusive/Error:
        never by itself; signatures are verified where the chain is, by the evidence engine.

    Example:
        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 1, 1, tzinfo=UTC)
        >>> run = GateRun("g-1", "m-1", Gate.VALIDATION, "low", "vera", 0, at, verdict=Verdict.PASS, evidence="e-1")
        >>> stale = SignOff("s-1", "m-1", "g-0", "e-0", "vera", True, "fine", at)
        >>> sign_off_gaps(run, (stale,), developers=("dora",), validators=())
        ('no-sign-off-of-this-evidence',)

    References:
        SR 11-7, Guidance on Model Risk Management, Federal Reserve 2011, section V (independence of validation).
    """

    id = "candidate-evidence"
    version = 1
    title = "A passed, independently signed validation exists"
    step = Step.R2
    needs = ("version",)
    defect = DefectKind.OPERATIONS_GAP
    params = CandidateEvidenceParams

    def evaluate(self, material: Material, params: CandidateEvidenceParams) -> Finding:  # noqa: ARG002 - no parameters
        """Find the run, then who signed for it."""
        version = material.version
        assert version is not None  # noqa: S101 - the runner checked `needs`
        run = newest_validation(material.earlier_runs, version.id)
        if run is None:
            reasons: tuple[str, ...] = ("no-validation-of-this-version",)
        else:
            reasons = _run_gaps(run, version) + sign_off_gaps(
                run, material.sign_offs, version.developers, material.validators
            )
        if run is None or reasons:
            message = f"{version.id} may not be called a candidate: {', '.join(reasons)}."
            verdict = Verdict.FAIL
        else:
            message = f"Validation {run.id} passed and its evidence is signed."
            verdict = Verdict.PASS
        return self.finding(
            verdict,
            message,
            reasons=reasons,
            details={
                "run": run.id if run else "",
                "evidence": run.evidence if run else "",
                "signed_by": [s.person for s in material.sign_offs if run and s.approved and _binds(s, run)],
            },
        )


def newest_validation(runs: tuple[GateRun, ...], version: str) -> GateRun | None:
    """The validation run of this version that finished last; a later run voids an earlier one."""
    finished = [r for r in runs if r.version == version and r.gate is Gate.VALIDATION and r.verdict is not None]
    return max(finished, key=lambda r: r.finished_at or r.started_at) if finished else None


def sign_off_gaps(
    run: GateRun, sign_offs: tuple[SignOff, ...], developers: tuple[str, ...], validators: tuple[str, ...]
) -> tuple[str, ...]:
    """What is wrong with the sign-offs of a run, as reason codes."""
    binding = sorted((s for s in sign_offs if _binds(s, run)), key=lambda s: s.created_at)
    if not binding:
        return ("no-sign-off-of-this-evidence",)
    last_word = {_same(s.person): s for s in binding}
    if any(not s.approved for s in last_word.values()):
        return ("rejected",)
    insiders = {_same(d) for d in developers}
    outsiders = [person for person in last_word if person and person not in insiders]
    if not outsiders:
        return ("signed-by-a-developer",)
    if validators and not {_same(v) for v in validators}.intersection(outsiders):
        return ("signed-by-no-validator",)
    return ()


def _same(person: str) -> str:
    return person.strip().casefold()


def _binds(sign_off: SignOff, run: GateRun) -> bool:
    named = sign_off.version == run.version and sign_off.gate_run == run.id
    return named and bool(run.evidence) and sign_off.evidence == run.evidence


def _run_gaps(run: GateRun, version: ModelVersion) -> tuple[str, ...]:
    conditions = {
        "validation-did-not-pass": run.verdict is None or not run.verdict.lets_through,
        "validation-without-evidence": not run.evidence,
        "validated-another-artifact": run.inputs.get("artifact", version.artifact) != version.artifact,
    }
    return tuple(code for code, bad in conditions.items() if bad)
