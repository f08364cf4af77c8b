"""Which findings of earlier runs still hold: same check, same parameters, same inputs, so measuring again is idle.

A check says what it looked at (`Finding.looked_at`); the digest of exactly that, with the check, its version and
parameters, the seed policy and the tools, is `Finding.inputs`. A later run that comes to the same digest takes the
finding over. What depends on the time, or on how this machine was doing, has another digest every time.

Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from roadworthy.checks.material import FIELDS
from roadworthy.checks.registry import check_named
from roadworthy.domain.gate import Finding, Gate, GateRun, PlannedCheck, check_key
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.verdict import Verdict
from roadworthy.evidence.canonical import to_json
from roadworthy.evidence.digest import digest_json, digest_of
from roadworthy.evidence.statements import version_digest
from roadworthy.services.gates.judging.gather import Records

REUSABLE = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
"""What may be taken over: what was measured. What could not be is tried again."""


@dataclass(frozen=True)
class Inputs:
    """The digests of what one run's checks may look at. `seed_policy` says where seeds come from, `tools` what
    computes.
    """

    records: Records
    seed_policy: str
    tools: Mapping[str, str]

    def of(self, planned: PlannedCheck, looked_at: Iterable[str]) -> str:
        """The digest of one check over what it looked at; empty when that names something there is no more."""
        names = sorted(set(looked_at))
        if not names or not set(names) <= FIELDS:
            return ""
        check = check_named(planned.check)
        known = {
            "check": check.id,
            "check_version": check.version,
            "params": to_json(check.params.read(planned.params, check.id)),
            "tools": dict(self.tools),
            "inputs": {name: self._field(name) for name in names},
        }
        return digest_json(known)

    def _field(self, name: str) -> str:
        dear = _DEAR.get(name)
        return dear(self) if dear else digest_of(getattr(self.records.plain, name))

    def now(self) -> str:
        """No two runs have the same."""
        return digest_of(self.records.plain.now)

    def seed(self) -> str:
        """Runs draw with seeds of their own; the policy that gives them is what stays."""
        return digest_json(self.seed_policy)

    def version(self) -> str:
        """All of the version but its state."""
        return version_digest(self.records.version)

    def rows(self, dataset: Dataset | None) -> str:
        """A data set's bytes and what they are read as; how often it was read is no part of them."""
        return digest_json(
            [digest_of(replace(dataset, reads=0)), digest_of(self.records.case)] if dataset else None
        )

    def model(self, version: ModelVersion | None) -> str:
        """What a version's scores depend on."""
        known = (
            [version.artifact, version.files, version.format.value, digest_of(version.signature)]
            if version
            else None
        )
        return digest_json(known)

    def retrain(self) -> str:
        """What the training again depends on."""
        v = self.records.version
        return digest_json([v.training, digest_of(v.signature), self.rows(self.records.train)])

    def business(self) -> str:
        """What the contract's value and the monitors' signals depend on."""
        r = self.records
        known = [digest_of(r.contract), self.model(r.version), r.version.threshold, r.gate.value]
        return digest_json([*known, self.rows(r.sealed), self.rows(r.production)])


_DEAR: dict[str, Callable[[Inputs], str]] = {
    "now": Inputs.now,
    "seed": Inputs.seed,
    "version": Inputs.version,
    "train": lambda i: i.rows(i.records.train),
    "sealed": lambda i: i.rows(i.records.sealed),
    "production": lambda i: i.rows(i.records.production),
    "traffic": lambda i: i.rows(i.records.production),
    "score": lambda i: i.model(i.records.version),
    "champion": lambda i: i.model(i.records.champion),
    "scan": lambda i: i.model(i.records.version),
    "transports": lambda i: i.model(i.records.version),
    "retrain": Inputs.retrain,
    "kpi": Inputs.business,
    "signals": Inputs.business,
    # How fast this machine answered just now: measured anew every time.
    "probe": Inputs.now,
    "drill": Inputs.now,
}
"""Fields that are made where the check is judged (and the version, whose state moves): what they are made of."""


def reusable(
    planned: Sequence[PlannedCheck],
    earlier: Sequence[GateRun],
    inputs_of: Callable[[PlannedCheck, Iterable[str]], str],
) -> dict[str, Finding]:
    """The findings of earlier runs that still hold for these checks, by key, each naming the run that made it.

    Args:
        planned: the checks to be judged.
        earlier: runs whose findings may count, newest first (see `sources`).
        inputs_of: the digest of a check over the named fields as they are now (`Inputs.of`).
    """
    remembered = cache(lambda place, names: inputs_of(planned[place], names))
    found: dict[str, Finding] = {}
    for place, check in enumerate(planned):
        for run in earlier:
            made = next((f for f in run.findings if check_key(f.step, f.check) == check.key), None)
            if made is None or not made.inputs or made.verdict not in REUSABLE:
                continue
            if made.inputs == remembered(place, made.looked_at):
                found[check.key] = replace(made, waived="", reused_from=made.reused_from or run.id)
                break
    return found


def sources(gate: Gate, own: Sequence[GateRun], inherited: Sequence[GateRun]) -> list[GateRun]:
    """The runs whose findings may count, newest first.

    Of the version itself, those since it last passed this gate: who runs a passed gate again wants it measured
    again. Of the versions it descends from, all.

    Args:
        gate: the gate that runs.
        own: earlier runs of the version, oldest first.
        inherited: runs of its ancestors, nearest ancestor first, each oldest first.
    """
    since: list[GateRun] = []
    for run in reversed([r for r in own if r.gate is gate]):
        if run.verdict is not None and run.verdict.lets_through:
            return since
        since.append(run)
    return since + [r for r in reversed(inherited) if r.gate is gate and r.verdict is not None]
