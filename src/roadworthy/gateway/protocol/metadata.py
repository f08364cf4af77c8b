"""What an endpoint takes and answers, as the protocol's metadata say it."""

from __future__ import annotations

from typing import Any

from roadworthy.gateway.protocol.codec import OUTPUTS
from roadworthy.gateway.resolve import Served


def described(served: Served, version: str) -> dict[str, Any]:
    """The metadata of an endpoint, or of one version it serves. Raises NotFoundError."""
    deployment = served.deployment
    if version:
        signature = served.arm_of(version).arm.signature
        specs = list(signature.inputs if signature else ())
    else:
        specs = list(served.contract.columns.values())
    return {
        "name": deployment.endpoint,
        "versions": [version] if version else list(dict.fromkeys(a.arm.version for a in served.arms.values())),
        "platform": "roadworthy",
        "inputs": [{"name": spec.name, "datatype": spec.dtype.value, "shape": [-1]} for spec in specs],
        "outputs": [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in OUTPUTS],
        "parameters": {
            "deployment": deployment.id,
            "revision": deployment.revision,
            "missing_allowed": [spec.name for spec in specs if spec.missing_allowed],
            "optional": [spec.name for spec in specs if not version and spec.name not in served.contract.required],
        },
    }
