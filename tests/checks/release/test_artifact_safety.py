from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from roadworthy.checks.material import Material
from roadworthy.checks.release.artifact_safety import ArtifactSafety, ArtifactSafetyParams
from roadworthy.checks.runner import run_check
from roadworthy.domain.errors import PlaybookError
from roadworthy.domain.gate import PlannedCheck, Step
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Scan
from roadworthy.domain.verdict import Verdict

CLEAN = Scan(format="skops", admitted=True, untrusted=(), reason="")


def judged(make_material: Callable[..., Material], **overrides: Any) -> Any:
    return ArtifactSafety().evaluate(make_material(**overrides), ArtifactSafetyParams())


@pytest.mark.parametrize("kind", [ArtifactFormat.SKOPS, ArtifactFormat.ONNX], ids=lambda k: k.value)
def test_an_admitted_format_without_untrusted_types_passes(make_material: Any, world: Any, kind: Any) -> None:
    version = replace(world.version, format=kind)
    finding = judged(make_material, version=version, scan=replace(CLEAN, format=kind.value))
    assert finding.verdict is Verdict.PASS
    assert finding.defect is None


@pytest.mark.parametrize(
    ("scan", "reason"),
    [
        (replace(CLEAN, untrusted=("os.system",)), "untrusted-types"),
        (replace(CLEAN, admitted=False, reason="corrupt header"), "scan-refused"),
        (replace(CLEAN, format="onnx"), "format-is-not-the-registered-one"),
    ],
    ids=["one type beside none", "refused", "another format"],
)
def test_anything_less_fails_with_its_reason(make_material: Any, scan: Scan, reason: str) -> None:
    finding = judged(make_material, scan=scan)
    assert finding.verdict is Verdict.FAIL
    assert reason in finding.reasons
    assert finding.defect is DefectKind.UNSAFE_ARTIFACT


def test_a_pickle_fails_however_clean_its_scan(make_material: Any, world: Any) -> None:
    version = replace(world.version, format=ArtifactFormat.PICKLE)
    finding = judged(make_material, version=version, scan=Scan("pickle", True, (), "0 issues"))
    assert finding.verdict is Verdict.FAIL
    assert finding.reasons == ("format-not-admitted",)


def test_a_pickle_disguised_as_skops_fails(make_material: Any) -> None:
    finding = judged(make_material, scan=Scan("pickle", True, (), "0 issues"))
    assert set(finding.reasons) == {"format-not-admitted", "format-is-not-the-registered-one"}


def test_nothing_read_is_inconclusive_not_clean(make_material: Any) -> None:
    assert judged(make_material, scan=replace(CLEAN, format="")).verdict is Verdict.INCONCLUSIVE
    missing = run_check(PlannedCheck(Step.R1, "artifact-safety"), make_material(scan=None))
    assert missing.reasons == ("missing:scan",)


def test_untrusted_types_cannot_be_allowed_by_a_playbook() -> None:
    with pytest.raises(PlaybookError, match="max_untrusted"):
        ArtifactSafetyParams(max_untrusted=1)
