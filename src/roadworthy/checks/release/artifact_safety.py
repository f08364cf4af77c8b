"""R1 `artifact-safety`: loading the artifact cannot run somebody else's code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from roadworthy.checks.base import Check, Params
from roadworthy.checks.material import Material
from roadworthy.domain.errors import shortlist
from roadworthy.domain.gate import Finding, Step
from roadworthy.domain.model import ArtifactFormat
from roadworthy.domain.returns import DefectKind
from roadworthy.domain.serving import Scan
from roadworthy.domain.verdict import Verdict

ADMITTED = tuple(f for f in ArtifactFormat if f is not ArtifactFormat.PICKLE)
"""Every format a runtime loads; a pickle has none."""


@dataclass(frozen=True)
class ArtifactSafetyParams(Params):
    """`max_untrusted`: how many type names outside the allow-list may remain."""

    RANGES: ClassVar[dict[str, tuple[float, float]]] = {"max_untrusted": (0, 0)}

    max_untrusted: int = 0


class ArtifactSafety(Check):
    """The artifact is of an admitted format and names no type outside the allow-list.

    Needs:
        version; scan: what reading the artifact's bytes (of a folder, every file's), without loading them, showed.

    Parameters:
        max_untrusted (type names, default 0, only 0 allowed): it is a parameter so that the evidence states it.

    Verdict:
        fail when the registered or the scanned format is a pickle or none that is loaded, the two formats differ,
        the scan did not admit the bytes, or it found more than max_untrusted untrusted type names; pass otherwise.
        The verdict is about the format's admission rule, not about detecting malice: a scanner that finds nothing
        proves nothing, so a pickle fails however clean it looks. Nothing is estimated: no error rate.

    Inconclusive/Error:
        inconclusive when the scan names no format: nothing was read.

    Example:
        >>> pickled = Scan(format="pickle", admitted=True, untrusted=(), reason="0 issues")
        >>> scan_gaps(pickled, ArtifactFormat.PICKLE, max_untrusted=0)
        ('format-not-admitted',)

    References:
        skops.io persistence documentation, `get_untrusted_types`.
    """

    id = "artifact-safety"
    version = 1
    title = "The artifact is safe to load"
    step = Step.R1
    needs = ("scan", "version")
    defect = DefectKind.UNSAFE_ARTIFACT
    params = ArtifactSafetyParams

    def evaluate(self, material: Material, params: ArtifactSafetyParams) -> Finding:
        """Compare format, admission and type names."""
        scan, version = material.scan, material.version
        assert scan is not None  # noqa: S101 - the runner checked `needs`
        assert version is not None  # noqa: S101 - the runner checked `needs`
        facts = {
            "registered_format": version.format.value,
            "scanned_format": scan.format,
            "untrusted": list(scan.untrusted[:20]),
            "scan_reason": scan.reason,
        }
        if not scan.format.strip() and version.format in ADMITTED:
            message = "The scan names no format, so nothing was read."
            return self.finding(Verdict.INCONCLUSIVE, message, reasons=("not-scanned",), details=facts)
        reasons = scan_gaps(scan, version.format, params.max_untrusted)
        message = f"A {version.format.value} artifact without untrusted types."
        if reasons:
            named = f" ({shortlist(scan.untrusted)})" if scan.untrusted else ""
            because = f": {scan.reason}" if scan.reason else ""
            message = f"The artifact is not admitted: {', '.join(reasons)}{named}{because}."
        return self.finding(
            Verdict.FAIL if reasons else Verdict.PASS,
            message,
            statistic=float(len(scan.untrusted)),
            threshold=float(params.max_untrusted),
            unit="untrusted types",
            reasons=reasons,
            details=facts,
        )


def scan_gaps(scan: Scan, registered: ArtifactFormat, max_untrusted: int) -> tuple[str, ...]:
    """Why an artifact may not be loaded, as reason codes."""
    allowed = {f.value for f in ADMITTED}
    conditions = {
        "format-not-admitted": registered not in ADMITTED or scan.format not in allowed,
        "format-is-not-the-registered-one": scan.format != registered.value,
        "scan-refused": not scan.admitted,
        "untrusted-types": len(scan.untrusted) > max_untrusted,
    }
    return tuple(code for code, bad in conditions.items() if bad)
