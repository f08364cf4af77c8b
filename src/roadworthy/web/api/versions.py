"""Model versions: registering, gates, sign-off, hand-off, evidence."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.domain.errors import InputError, SettingError
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.model import ModelVersion
from roadworthy.domain.storing.folder import Artifact, Folder
from roadworthy.domain.storing.query import PAGE
from roadworthy.domain.trust import Conditions, SignOff
from roadworthy.evidence.bundle import encode_bundle
from roadworthy.services.catalog.signatures import Declared, Limits
from roadworthy.services.catalog.versions import NewVersion, register_version
from roadworthy.services.composing.compose import NewComposition, compose
from roadworthy.services.dossier.issue import FILES, issue_dossier
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.hand_off import accept_hand_off
from roadworthy.services.gates.playbooks import DEFAULT
from roadworthy.services.gates.run import WORK, GateOrder, run_gate, start_gate
from roadworthy.services.gates.sign_off import sign_off
from roadworthy.services.house import plain
from roadworthy.services.watch.lists import listed
from roadworthy.services.watch.verify import bundle, evidence_of
from roadworthy.web.api.entry.access import ActingPerson, TheHouse

router = APIRouter(tags=["versions"])


class LimitMeta(BaseModel):
    """What requests must keep to in one column; `missing` not given = as training data showed."""

    model_config = ConfigDict(extra="forbid")
    low: float | None = None
    high: float | None = None
    categories: list[str] = Field(default_factory=list)
    missing: bool | None = None
    optional: bool = False


class LimitsMeta(BaseModel):
    """What requests must keep to: by column, as training data showed, and whether unknown columns are left aside."""

    model_config = ConfigDict(extra="forbid")
    columns: dict[str, LimitMeta] = Field(default_factory=dict)
    from_training: bool = False
    ignore_unknown: bool = False

    def limits(self) -> Limits:
        """What the services take."""
        said = {
            name: Declared(c.low, c.high, tuple(c.categories), c.missing, c.optional)
            for name, c in self.columns.items()
        }
        return Limits(said, self.from_training, self.ignore_unknown)


class VersionMeta(BaseModel):
    """All about a new version but its bytes."""

    model_config = ConfigDict(extra="forbid")
    use_case: str
    name: str
    train_dataset: str
    threshold: float = 0.5
    inputs: list[str] = Field(default_factory=list)
    developers: list[str] = Field(default_factory=list)
    description: str = ""
    code_revision: str = ""
    parents: list[str] = Field(default_factory=list)
    training: str = ""
    folder: bool = False
    environment: dict[str, str] = Field(default_factory=dict)
    limits: LimitsMeta = Field(default_factory=LimitsMeta)


class GateRequest(BaseModel):
    """Which gate to run. Without a playbook's text, the one that ships is used."""

    model_config = ConfigDict(extra="forbid")
    playbook: str = ""
    playbook_file: str = "playbook.yaml"
    production: str = ""
    endpoint: str = ""
    wait: bool = True
    fresh: bool = False


class OpinionRequest(BaseModel):
    """A yes or no, why, until when and for which values of input columns, and in whose place (empty = one's own)."""

    model_config = ConfigDict(extra="forbid")
    approved: bool
    reason: str = ""
    until: datetime | None = None
    only: dict[str, list[str]] = Field(default_factory=dict)
    in_place_of: str = ""

    def opinion(self) -> dict[str, Any]:
        """What the services take."""
        only = {column: tuple(values) for column, values in self.only.items()}
        return {
            "approved": self.approved,
            "reason": self.reason,
            "conditions": Conditions(self.until, only),
            "in_place_of": self.in_place_of,
        }


class HandOffRequest(BaseModel):
    """What an operator takes on."""

    model_config = ConfigDict(extra="forbid")
    service_owner: str
    run_book: str
    in_place_of: str = ""


class DossierRequest(BaseModel):
    """Which files of a dossier to print."""

    model_config = ConfigDict(extra="forbid")
    formats: list[str] = Field(default_factory=lambda: list(FILES))


@router.get("/versions")
def list_versions(
    house: TheHouse, actor: ActingPerson, use_case: str = "", limit: int = PAGE, cursor: str = ""
) -> dict[str, Any]:
    """Versions in full, newest first: `items`, `total`, and `next`, the cursor of the page that follows."""
    house.allow(actor, "read")
    found: dict[str, Any] = plain(listed(house, ModelVersion, use_case=use_case, limit=limit, cursor=cursor))
    return found


class CompositionRequest(BaseModel):
    """A composition: its document (YAML or JSON) and what any new version says of itself."""

    model_config = ConfigDict(extra="forbid")
    use_case: str
    name: str
    document: str
    train_dataset: str = ""
    threshold: float = 0.5
    description: str = ""


@router.post("/compositions", status_code=201)
def post_composition(house: TheHouse, actor: ActingPerson, body: CompositionRequest) -> dict[str, Any]:
    """Register approved versions as one version that answers with all of them."""
    found: dict[str, Any] = plain(compose(house, actor, NewComposition(**body.model_dump())))
    return found


@router.post("/versions", status_code=201)
def post_version(
    house: TheHouse,
    actor: ActingPerson,
    meta: Annotated[str, Form()],
    artifact: Annotated[list[UploadFile], File()],
    training_code: Annotated[UploadFile | None, File()] = None,
) -> dict[str, Any]:
    """Register a version: `meta` is JSON, `artifact` the model's bytes, or with `folder` its files, one part each."""
    try:
        about = VersionMeta.model_validate_json(meta)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingError(
            f"meta: {where}: {first['msg']}", remedy="See the API reference for its fields.", field=where
        ) from problem
    new = NewVersion(
        use_case=about.use_case,
        name=about.name,
        train_dataset=about.train_dataset,
        threshold=about.threshold,
        inputs=tuple(about.inputs),
        developers=tuple(about.developers),
        description=about.description,
        code_revision=about.code_revision,
        parents=tuple(about.parents),
        training=about.training,
        environment=about.environment,
        limits=about.limits.limits(),
        artifact=_handed_in(artifact, folder=about.folder),
        training_code=training_code.file.read() if training_code else b"",
    )
    found: dict[str, Any] = plain(register_version(house, actor, new))
    return found


def _handed_in(parts: list[UploadFile], *, folder: bool) -> Artifact:
    """The artifact: one part's bytes, or a folder of parts named as in it."""
    if folder:
        files = {part.filename or "": part.file.read() for part in parts}
        if len(files) < len(parts):
            raise InputError(
                "two files of the folder have the same name", remedy="Send each file once.", field="artifact"
            )
        return Folder(files)
    if len(parts) != 1:
        raise InputError(
            f"the form has {len(parts)} artifacts",
            remedy="Send one file, or say `folder` in `meta`.",
            field="artifact",
        )
    return parts[0].file.read()


@router.get("/versions/{version}")
def get_version(house: TheHouse, actor: ActingPerson, version: str) -> dict[str, Any]:
    """One version with its gate runs and signatures."""
    house.allow(actor, "read", facts_of(house, version=version))
    with house.store.read() as tx:
        return {
            "version": plain(tx.of(ModelVersion).get(version)),
            "runs": [plain(r) for r in tx.of(GateRun).find(version=version)],
            "sign_offs": [plain(s) for s in tx.of(SignOff).find(version=version)],
        }


@router.post("/versions/{version}/gates/{gate}", status_code=201)
def post_gate(house: TheHouse, actor: ActingPerson, version: str, gate: Gate, body: GateRequest) -> dict[str, Any]:
    """Run a gate; with `wait` false, its progress is read from `GET /runs/{run}`."""
    playbook = body.playbook.encode() or DEFAULT.read_bytes()
    name = body.playbook_file if body.playbook else DEFAULT.name
    order = GateOrder(version, gate, playbook, name, body.production, body.endpoint, body.fresh)
    if body.wait:
        found: dict[str, Any] = plain(run_gate(house, actor, order))
        return found
    run = start_gate(house, actor, order)
    house.engine.submit(WORK, run.id, {"run": run.id})
    started: dict[str, Any] = plain(run)
    return started


@router.post("/versions/{version}/sign-off", status_code=201)
def post_sign_off(house: TheHouse, actor: ActingPerson, version: str, body: OpinionRequest) -> dict[str, Any]:
    """Approve or reject the newest validation, under conditions if any; a quorum decides."""
    found: dict[str, Any] = plain(sign_off(house, actor, version, **body.opinion()))
    return found


@router.post("/versions/{version}/hand-off", status_code=201)
def post_hand_off(house: TheHouse, actor: ActingPerson, version: str, body: HandOffRequest) -> dict[str, Any]:
    """Accept a candidate into operation."""
    found: dict[str, Any] = plain(
        accept_hand_off(
            house,
            actor,
            version,
            service_owner=body.service_owner,
            run_book=body.run_book,
            in_place_of=body.in_place_of,
        )
    )
    return found


@router.get("/versions/{version}/bundle")
def get_bundle(house: TheHouse, actor: ActingPerson, version: str) -> dict[str, Any]:
    """Everything that proves this version, for `roadworthy verify`."""
    house.allow(actor, "read", facts_of(house, version=version))
    # In the one spelling that verification reads: what is empty may be left out there.
    found: dict[str, Any] = json.loads(encode_bundle(bundle(house, version)))
    return found


@router.get("/versions/{version}/evidence")
def get_evidence(house: TheHouse, actor: ActingPerson, version: str) -> list[dict[str, Any]]:
    """The signed statements about this version."""
    house.allow(actor, "read", facts_of(house, version=version))
    return [plain(e) for e in evidence_of(house, version)]


@router.post("/versions/{version}/dossier", status_code=201)
def post_dossier(house: TheHouse, actor: ActingPerson, version: str, body: DossierRequest) -> dict[str, Any]:
    """Issue a dossier: its files in base64, the signed statement over their digests, and what did not verify."""
    issued = issue_dossier(house, actor, version, body.formats)
    return {
        "version": issued.version,
        "evidence": issued.evidence,
        "envelope": issued.envelope,
        "files": {name: base64.b64encode(data).decode() for name, data in issued.files.items()},
        "problems": [plain(p) for p in issued.problems],
        "wrong": issued.wrong,
    }
