"""Gate 1, validation: may the model leave the workshop?

Lives here: one file per check of the steps V1-V9, named after the check's id (those of V2 in `technical/`), with
what they share in `judging.py` and `importance.py`; `example.py` is the world of the docstrings' examples. Does
not: computing the KPI, training, reading files (a service does that and hands the result in as material). To add a
check, copy `technical/beats_baseline.py` (numbers) or `independent_validator.py` (records) and add its import line
here.
"""

from roadworthy.checks.base import Check
from roadworthy.checks.validation.data_quality import DataQuality
from roadworthy.checks.validation.explanation_stability import ExplanationStability
from roadworthy.checks.validation.feature_parity import FeatureParity
from roadworthy.checks.validation.group_fairness import GroupFairness
from roadworthy.checks.validation.independent_validator import IndependentValidator
from roadworthy.checks.validation.kpi_contract import KpiContractHolds
from roadworthy.checks.validation.metamorphic import Metamorphic
from roadworthy.checks.validation.reproducible import Reproducible
from roadworthy.checks.validation.technical.beats_baseline import BeatsBaseline
from roadworthy.checks.validation.technical.calibrated import Calibrated
from roadworthy.checks.validation.technical.leakage import Leakage
from roadworthy.checks.validation.technical.overfit import Overfit
from roadworthy.checks.validation.technical.sealed_reuse import SealedReuse
from roadworthy.checks.validation.technical.slices import Slices

CHECKS: tuple[type[Check], ...] = (
    KpiContractHolds,
    BeatsBaseline,
    Leakage,
    Slices,
    Overfit,
    Calibrated,
    SealedReuse,
    Metamorphic,
    ExplanationStability,
    GroupFairness,
    DataQuality,
    FeatureParity,
    Reproducible,
    IndependentValidator,
)
