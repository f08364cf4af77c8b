"""Playbooks for a small world: everything waived, a few quick checks, or every step with its real check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

EVERY_STEP = (*(f"V{i}" for i in range(1, 10)), *(f"R{i}" for i in range(1, 8)), *(f"A{i}" for i in range(1, 8)))


def playbook(*checks: str, waive: Sequence[str] | None = None, name: str = "small", **params: Any) -> bytes:
    """A playbook of `step:check` entries; every other step is waived by name, unless `waive` says which.

    `params` are given as `check_id_with_underscores={...}`.
    """
    lines = [f"name: {name}", "steps:" if checks else "steps: {}"]
    planned: dict[str, list[str]] = {}
    for entry in checks:
        step, _, check = entry.partition(":")
        planned.setdefault(step, []).append(check)
    for step, ids in planned.items():
        lines.append(f"  {step}:")
        for check in ids:
            given = params.get(check.replace("-", "_"))
            lines.append(f"    - {{check: {check}{f', params: {given}' if given else ''}}}")
    waived = [s for s in EVERY_STEP if s not in planned] if waive is None else waive
    lines.append("waivers:" if waived else "waivers: []")
    lines += [f'  - {{step: {s}, check: "*", reason: "not asked of this small world ({s})"}}' for s in waived]
    return "\n".join(lines).encode()


WAIVED = playbook()
"""Every step waived by name: the quickest lawful road."""

CHEAP = playbook("V1:kpi-contract", "V6:data-quality", "V9:independent-validator", name="cheap")
"""Three quick real checks."""

FULL = (Path(__file__).parent / "full_playbook.yaml").read_bytes()
"""Every step with its real check, parameters sized for a small world."""
