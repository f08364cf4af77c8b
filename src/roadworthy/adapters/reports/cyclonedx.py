"""A version's bill of materials as CycloneDX 1.6 JSON: the model with its card, its data, its libraries.

The library has no class for a model card and drops one it reads, so the card is added to the JSON last; then the whole
is validated strictly, and never read back through the library.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from roadworthy.domain.documents.inventory import Inventory, Metric
from roadworthy.domain.errors import DataError, MissingExtraError
from roadworthy.domain.model import Dataset

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component

NAMESPACE = uuid.UUID("6e0a3c1c-5a0e-4a1e-9a53-0f6a2f1f7d11")
"""Serial numbers are made from this and the version's artifact: the same inventory has the same one."""

PREFIX = "roadworthy:"
"""Before the names of our own properties."""


def bill_of_materials(inventory: Inventory) -> bytes:
    """The bill of materials.

    Raises:
        MissingExtraError: the CycloneDX library is not installed.
        DataError: what came out is not valid CycloneDX; names where.
    """
    document = json.loads(_without_card(inventory))
    document["metadata"]["component"]["modelCard"] = model_card(inventory)
    text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
    _validate(text)
    return text.encode()


def model_card(inventory: Inventory) -> dict[str, Any]:
    """The `modelCard`: parameters, measurements with intervals, considerations; what is not recorded is left out."""
    v, case = inventory.version, inventory.case
    card: dict[str, Any] = {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": f"binary classification: whether {case.target} is {case.positive_label}",
            "datasets": [{"ref": _ref("data", d.id)} for d in inventory.datasets],
            "inputs": [{"format": f"{c.name}: {c.dtype.value}"} for c in v.signature.inputs],
            "outputs": [{"format": f"{v.signature.output}: FP64 in 0..1"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(m) for m in inventory.metrics]},
        "considerations": {
            "users": [f"{p.consumer} ({p.name}, {p.kind.value})" for p in case.decision_points],
            "useCases": [case.objective],
            "technicalLimitations": list(inventory.limits),
            "fairnessAssessments": [{"groupAtRisk": g.group, "harms": g.found} for g in inventory.groups],
        },
    }
    return card


def _metric(metric: Metric) -> dict[str, Any]:
    told: dict[str, Any] = {"type": f"{metric.name} ({metric.unit})" if metric.unit else metric.name}
    told["value"] = repr(metric.value)
    if metric.slice:
        told["slice"] = metric.slice
    if metric.interval:
        ends = metric.interval
        told["confidenceInterval"] = {"lowerBound": repr(ends.low), "upperBound": repr(ends.high)}
    return told


def _ref(kind: str, name: str) -> str:
    return f"{kind}/{name}"


def _without_card(inventory: Inventory) -> str:
    """The bill of materials as the library writes it: everything but the model card."""
    try:
        from cyclonedx import model as cdx  # noqa: PLC0415 - an optional library
        from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
        from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
        from cyclonedx.model.tool import ToolRepository  # noqa: PLC0415
        from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    except ImportError as error:
        raise _missing() from error
    v = inventory.version
    signed = [
        cdx.ExternalReference(
            type=cdx.ExternalReferenceType.ATTESTATION,
            url=cdx.XsUri(f"urn:sha256:{e.id}"),
            comment=f"{e.kind.value} signed by {e.signer}",
            hashes=_hashes(e.id),
        )
        for e in inventory.evidence
    ]
    model = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=v.name,
        version=str(v.number),
        bom_ref=_ref("model", v.id),
        description=v.description or None,
        hashes=_hashes(v.artifact),
        properties=_named(_properties(inventory)),
        external_references=signed,
    )
    tool = Component(type=ComponentType.APPLICATION, name="roadworthy", version=inventory.tool, bom_ref="tool")
    materials = _materials(inventory)
    bom = Bom(
        serial_number=uuid.uuid5(NAMESPACE, f"{v.id} {v.artifact} {inventory.at.isoformat()}"),
        metadata=BomMetaData(timestamp=inventory.at, component=model, tools=ToolRepository(components=[tool])),
        components=materials,
    )
    bom.register_dependency(model, materials)
    return JsonV1Dot6(bom).output_as_string()


def _materials(inventory: Inventory) -> list[Component]:
    """The data sets and libraries the model was made of."""
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    data = [
        Component(
            type=ComponentType.DATA,
            name=d.source or d.id,
            bom_ref=_ref("data", d.id),
            hashes=_hashes(d.digest),
            properties=_named(_sheet(d)),
        )
        for d in inventory.datasets
    ]
    libraries = [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=_ref("library", f"{name}@{version}"),
            purl=PackageURL("pypi", name=name, version=version),
        )
        for name, version in sorted(inventory.version.environment.items())
    ]
    return [*data, *libraries]


def _hashes(digest: str) -> list[HashType]:
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415

    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]


def _named(pairs: Iterator[tuple[str, str]]) -> list[Property]:
    from cyclonedx.model import Property  # noqa: PLC0415

    return [Property(name=PREFIX + name, value=value) for name, value in pairs]


def _properties(inventory: Inventory) -> Iterator[tuple[str, str]]:
    v, case = inventory.version, inventory.case
    yield "version", v.id
    yield "use-case", case.id
    yield "owner", case.owner
    yield "risk-tier", case.risk_tier.value
    yield "state", v.state.value
    yield "format", v.format.value
    yield "acts-from-score", repr(v.threshold)
    yield "developers", ", ".join(v.developers)
    yield "code-revision", v.code_revision or "not recorded"
    yield "original-variables", ", ".join(v.original_variables) or "not recorded"


def _sheet(data: Dataset) -> Iterator[tuple[str, str]]:
    yield "id", data.id
    yield "role", data.role.value
    yield "rows", str(data.rows)
    yield "columns", ", ".join(data.columns)
    yield "synthetic", "yes" if data.synthetic else "no"


def _validate(text: str) -> None:
    from cyclonedx.exception import MissingOptionalDependencyException  # noqa: PLC0415
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    try:
        problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except MissingOptionalDependencyException as error:
        raise _missing() from error
    if problem is not None:
        raise DataError(
            f"the bill of materials is not valid CycloneDX 1.6: {str(problem)[:300]}",
            remedy="Report this defect with the version's names and data sets.",
            field="bom",
        )


def _missing() -> MissingExtraError:
    return MissingExtraError(
        "the CycloneDX library, which writes the bill of materials, is not installed",
        remedy="Run `pip install 'roadworthy[bom]'`, or leave `bom` out of the formats.",
        extra="bom",
    )
