"""Following a gate: findings as they come, a bounded wait, and what to do next."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from roadworthy.cli.desk import Desk
from roadworthy.cli.gates.findings import finding_line, findings_table, verdict_line
from roadworthy.cli.gates.next_steps import next_steps
from roadworthy.cli.gates.progress import POLL_S, follow, run_gate
from roadworthy.domain.errors import UnavailableError
from roadworthy.domain.gate import Finding, Gate, GateRun, Step
from roadworthy.domain.model import ArtifactFormat, ModelVersion, Signature
from roadworthy.domain.returns import DefectKind, DevelopmentStep, WorkItem
from roadworthy.domain.trust import Person, Role
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict
from roadworthy.sdk import Road

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = GateRun("validation-m:1-1", "m:1", Gate.VALIDATION, "p", "dan", 1, NOW)


def finding(check: str, verdict: Verdict = Verdict.PASS, waived: str = "") -> Finding:
    return Finding(
        Step.V2, check, 1, verdict, f"{check} [fri] said.", 0.8, Interval(0.7, 0.9), 0.5, "AUC", waived=waived
    )


class Slow(Road):
    """A platform on which each look at the run shows one finding more, and the verdict after the last."""

    def __init__(self, findings: tuple[Finding, ...], verdict: Verdict | None) -> None:
        super().__init__(httpx.Client(), "")
        self.findings, self.verdict, self.looks = findings, verdict, 0

    def run(self, run: str) -> GateRun:
        self.looks += 1
        shown = self.findings[: self.looks]
        return replace(STARTED, findings=shown, verdict=self.verdict if self.looks > len(self.findings) else None)


class Concluded(Slow):
    """A platform that accepts the order and concludes at once."""

    def start_gate(self, version: str, gate: Gate, *, playbook: str | Path = "", **about: str) -> GateRun:
        return replace(STARTED, findings=self.findings, verdict=self.verdict)

    def version(self, version: str) -> ModelVersion:
        signature, format_ = Signature(()), ArtifactFormat.SKOPS
        return ModelVersion("m:1", "uc", "m", 1, "a", format_, signature, 0.5, ("dan",), "t", NOW)

    def people(self) -> list[Person]:
        return [Person(name, (Role.VALIDATOR,), name, "") for name in ("dan", "vera")]

    def work_items(self, use_case: str = "", *, version: str = "", open_only: bool = False) -> list[WorkItem]:
        defect, step = DefectKind.LEAKAGE, DevelopmentStep.DATA_PREPARATION
        return [WorkItem("work-1", "m:1", "uc", defect, step, "V2 leakage", "It leaks.", "validation", NOW)]


@pytest.mark.parametrize(
    ("verdict", "code", "said"),
    [
        (Verdict.PASS, 0, "sign m:1 --approve --as vera"),
        (Verdict.WARN, 0, "sign m:1 --approve --as vera"),
        (Verdict.FAIL, 10, "work-1: leakage -> data understanding and preparation (V2 leakage)"),
        (Verdict.INCONCLUSIVE, 11, "nothing was shown to be wrong"),
        (Verdict.ERROR, 12, "nothing was shown to be wrong"),
    ],
    ids=lambda v: getattr(v, "value", None),
)
def test_a_gate_exits_with_the_code_of_its_verdict_and_says_what_to_do(
    verdict: Verdict, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at, _ = desk()
    road = Concluded((finding("leakage", verdict),), verdict)
    assert run_gate(replace(at, as_json=True), road, "m:1", Gate.VALIDATION, "", 60.0) == code
    assert said in " ".join(json.loads(capsys.readouterr().out)["next"])


def desk() -> tuple[Desk, io.StringIO]:
    heard = io.StringIO()
    return Desk(Path(), err=Console(file=heard, markup=False, highlight=False, width=200)), heard


def test_each_finding_is_shown_once_in_the_order_it_came() -> None:
    at, heard = desk()
    slept: list[float] = []
    road = Slow((finding("first"), finding("second"), finding("third")), Verdict.PASS)
    run = follow(at, road, STARTED, 60.0, slept.append)
    assert run.verdict is Verdict.PASS
    assert [line.split()[2] for line in heard.getvalue().splitlines()] == ["first", "second", "third"]
    assert set(slept) == {POLL_S}


def test_a_gate_that_does_not_conclude_in_time_is_unavailable_and_never_a_verdict() -> None:
    at, _ = desk()
    road = Slow((finding("first"),), None)
    with pytest.raises(UnavailableError, match="1 findings and not concluded within 3 s"):
        follow(at, road, STARTED, 3.0, lambda _: None)
    assert road.looks == int(3.0 / POLL_S)


def test_a_finding_shows_mark_check_message_numbers_and_waiver() -> None:
    text = finding_line(finding("slices", Verdict.FAIL, waived="known")).plain
    assert "✘ V2 slices" in text
    assert "slices [fri] said." in text
    assert "0.8 [0.7, 0.9] vs 0.5 AUC" in text
    assert "(waived: known)" in text


def test_the_table_keeps_square_brackets_of_messages() -> None:
    out = io.StringIO()
    run = replace(STARTED, findings=(finding("slices"),), verdict=Verdict.PASS)
    Console(file=out, markup=False, width=160).print(findings_table(run), verdict_line(run))
    assert "slices [fri] said." in out.getvalue()
    assert "validation: ✔ pass  (1 pass)" in out.getvalue()


def test_what_was_inconclusive_is_named_and_not_called_wrong() -> None:
    run = replace(
        STARTED, findings=(finding("ok"), finding("calibrated", Verdict.INCONCLUSIVE)), verdict=Verdict.INCONCLUSIVE
    )
    steps = next_steps(Slow((), None), run)
    assert "nothing was shown to be wrong" in steps[0]
    assert steps[1].strip().startswith("V2 calibrated")
    assert len(steps) == 3
