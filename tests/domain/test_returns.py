"""The way back: every defect has a step and a rule, and the rule says what may be taken over."""

from __future__ import annotations

import pytest

from roadworthy.domain.gate import Gate, Step
from roadworthy.domain.returns import RE_ENTRY, WAY_BACK, DefectKind, DevelopmentStep, Origin, may_reuse, origin_of

every_defect = pytest.mark.parametrize("defect", DefectKind, ids=lambda d: d.value)


@every_defect
def test_every_defect_has_a_step_to_go_back_to_and_a_rule_to_come_back_by(defect: DefectKind) -> None:
    rule = RE_ENTRY[defect]
    assert WAY_BACK[defect] in DevelopmentStep
    assert rule.gate in {g.value for g in Gate}
    assert set(rule.again) <= {"*", *(s.name for s in Step)}
    assert rule.again
    assert rule.why.endswith(".")


@every_defect
def test_what_is_mended_in_modelling_or_data_is_another_artifact_and_measured_anew(defect: DefectKind) -> None:
    artifact = {DevelopmentStep.MODELLING, DevelopmentStep.DATA_ACQUISITION}
    if WAY_BACK[defect] in artifact:
        assert (RE_ENTRY[defect].same_version, RE_ENTRY[defect].again) == (False, ("*",))


@every_defect
def test_a_version_that_may_come_back_is_not_measured_anew_all_over(defect: DefectKind) -> None:
    if RE_ENTRY[defect].same_version:
        assert "*" not in RE_ENTRY[defect].again


def test_one_defect_that_voids_everything_outweighs_others_that_do_not() -> None:
    assert may_reuse([], "V2")
    assert may_reuse([DefectKind.KPI_NOT_MET, DefectKind.OPERATIONS_GAP], "V6")
    assert not may_reuse([DefectKind.KPI_NOT_MET, DefectKind.OPERATIONS_GAP], "V9")
    assert not any(may_reuse([DefectKind.KPI_NOT_MET, DefectKind.LEAKAGE], step.name) for step in Step)


SOURCES = {
    "a check": ("V2 beats-baseline", (Origin.CHECK, "beats-baseline")),
    "a check of activation": ("A7 value-measurable", (Origin.CHECK, "value-measurable")),
    "a monitor": ("review: data-quality/missing", (Origin.MONITOR, "data-quality/missing")),
    "a rollout": ("rollout mailing-2", (Origin.ROLLOUT, "")),
    "a rejection": ("sign-off by vera", (Origin.SIGN_OFF, "")),
    "anything else": ("expiry by age", (Origin.OTHER, "expiry by age")),
    "a word that looks like a step": ("Vienna office", (Origin.OTHER, "Vienna office")),
}


@pytest.mark.parametrize(("source", "judge"), SOURCES.values(), ids=SOURCES)
def test_the_source_says_what_kind_of_judge_found_it(source: str, judge: tuple[Origin, str]) -> None:
    assert origin_of(source) == judge
