"""Gate 2, release: does the version hold inside a guarded perimeter, with no effect on users yet?

Lives here: one file per check of the steps R1-R7, named after the check's id, and the ground two of them share
(`numeric_space.py`, `boundary_attack.py`). Does not: serving, replaying traffic or reaching a transport (a service
does that and hands the result in as material). To add a check, copy `endpoint_identified.py` (records) or
`small_change.py` (numbers) and add its import line here.
"""

from roadworthy.checks.base import Check
from roadworthy.checks.release.adversarial_robustness import AdversarialRobustness
from roadworthy.checks.release.artifact_safety import ArtifactSafety
from roadworthy.checks.release.candidate_evidence import CandidateEvidence
from roadworthy.checks.release.drift_apart import DriftApart
from roadworthy.checks.release.endpoint_identified import EndpointIdentified
from roadworthy.checks.release.membership_inference import MembershipInference
from roadworthy.checks.release.parameter_parity import ParameterParity
from roadworthy.checks.release.small_change import SmallChange
from roadworthy.checks.release.standing_protections import StandingProtections
from roadworthy.checks.release.transport_parity import TransportParity

CHECKS: tuple[type[Check], ...] = (
    ArtifactSafety,
    AdversarialRobustness,
    MembershipInference,
    StandingProtections,
    CandidateEvidence,
    EndpointIdentified,
    ParameterParity,
    TransportParity,
    SmallChange,
    DriftApart,
)
