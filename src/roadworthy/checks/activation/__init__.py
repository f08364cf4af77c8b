"""Gate 3, activation: can this version be operated in real business conditions?

Lives here: one file per check of the steps A1-A7, named after the check's id. Does not: deploying, probing or
drilling (a service does that and hands the record in as material). To add a check, copy `hand_off.py` and add
its import line here.
"""

from roadworthy.checks.activation.alerts import Alerts
from roadworthy.checks.activation.catalogued import Catalogued
from roadworthy.checks.activation.deployment_plan import DeploymentPlan
from roadworthy.checks.activation.hand_off import HandOffCheck
from roadworthy.checks.activation.integration_probe import IntegrationProbe
from roadworthy.checks.activation.telemetry import Telemetry
from roadworthy.checks.activation.value_measurable import ValueMeasurable
from roadworthy.checks.base import Check

CHECKS: tuple[type[Check], ...] = (
    Catalogued,
    HandOffCheck,
    DeploymentPlan,
    IntegrationProbe,
    Telemetry,
    Alerts,
    ValueMeasurable,
)
