"""The Python face: everything one can do with Roadworthy, as methods of `Road`.

    import roadworthy as rw

    with rw.open("workspace") as road:                  # or rw.connect(url, token)
        ann = road.acting_as("ann")                     # a data scientist
        version = ann.register(model, "churn", train=ann.data("train.csv", "churn", "train"))
        run = ann.validate(version.id)
        road.acting_as("vera").sign(version.id)         # an independent validator

Every method is one call of the HTTP API; errors come back as the classes of `roadworthy.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.model import Dataset, ModelVersion, SealedLook
from roadworthy.domain.returns import WorkItem
from roadworthy.domain.review import LedgerEntry, ReviewRun
from roadworthy.domain.serving import Endpoint
from roadworthy.domain.storing.card import VersionCard
from roadworthy.domain.storing.query import Page
from roadworthy.domain.trust import Change, Evidence, HandOff, Login, Person, SignOff
from roadworthy.domain.use_case import KpiContract, UseCase
from roadworthy.sdk.handing_over import environment, read_bytes, table_bytes, version_form
from roadworthy.sdk.listing import every
from roadworthy.sdk.rollouts import Rollouts
from roadworthy.sdk.transport import TIMEOUT_S
from roadworthy.services.access.tokens import KnownToken, NewToken
from roadworthy.services.catalog.splits import SplitDone


class Road(Rollouts):
    """A connection to one Roadworthy installation, acting as one person."""

    def acting_as(self, person: str) -> Road:
        """The same connection, acting as somebody else; the policy judges that person."""
        return Road(self._client, self._token, person)

    # People, use cases, data

    def add_person(self, name: str, *roles: str) -> Person:
        """Add a person with their roles."""
        return self._post("/people", {"name": name, "roles": list(roles)}, Person)

    def people(self) -> list[Person]:
        """Everybody, the platform first."""
        return every(self.ask, "/people", Person)[::-1]

    def create_token(
        self, person: str = "", *, name: str, scopes: Sequence[str] = (), days: float | None = None
    ) -> NewToken:
        """Make a token, for oneself or for somebody whose tokens one manages; its secret is known only now."""
        body = {"person": person, "name": name, "scopes": list(scopes), "days": days}
        return self._post("/tokens", body, NewToken)

    def tokens(self, person: str = "") -> list[KnownToken]:
        """One's own tokens and those one manages, newest first."""
        return self._get("/tokens", list[KnownToken], person=person)

    def revoke_token(self, token: str) -> KnownToken:
        """End a token at once."""
        return self._send("DELETE", f"/tokens/{token}", KnownToken)

    def link_login(self, person: str, issuer: str, subject: str) -> Login:
        """Let an account of an identity provider log in as a person."""
        return self._post("/logins", {"person": person, "issuer": issuer, "subject": subject}, Login)

    def logins(self) -> list[Login]:
        """Which account is which person."""
        return self._get("/logins", list[Login])

    def use_case(self, name: str, **about: Any) -> UseCase:
        """Register a use case; the keywords are the fields of `UseCase`."""
        return self._post("/use-cases", {"id": name, **about}, UseCase)

    def agree(self, use_case: str, **terms: Any) -> KpiContract:
        """Agree and sign a KPI contract; the keywords are those of `KpiTerms`."""
        answer = self._post(f"/use-cases/{use_case}/contract", terms, dict[str, Any])
        return msgspec.convert(answer["contract"], KpiContract)

    def contract(self, use_case: str) -> dict[str, Any]:
        """The `contract` in force, its `evidence`, and in `validate_again` who was validated under which other one."""
        return self._get(f"/use-cases/{use_case}/contract", dict[str, Any])

    def data(self, source: Any, use_case: str, role: str, *, name: str = "", synthetic: bool = False) -> Dataset:
        """Register a data set: a CSV or Parquet path, a pandas or Arrow table, a `Frame`, or columns by name."""
        payload, file_name = table_bytes(source, name)
        query = {"role": role, "name": file_name, "synthetic": str(synthetic).lower()}
        return self._send("POST", f"/use-cases/{use_case}/datasets", Dataset, content=payload, params=query)

    def datasets(self, use_case: str) -> list[Dataset]:
        """The data sets of a use case, oldest first."""
        return self._get(f"/use-cases/{use_case}/datasets", list[Dataset])

    def split(self, source: Any, use_case: str, *, share: float, by: str = "random", seed: int = 0) -> SplitDone:
        """Split the first file of a new use case into rows to train on and rows nobody sees."""
        payload, file_name = table_bytes(source)
        query = {"name": file_name, "share": repr(share), "by": by, "seed": str(seed)}
        return self._send("POST", f"/use-cases/{use_case}/split", SplitDone, content=payload, params=query)

    def download(self, dataset: str) -> bytes:
        """A data set's bytes; those of sealed data are handed out to nobody."""
        return self._reply("GET", f"/datasets/{dataset}/content").content

    def looks(self, use_case: str) -> list[SealedLook]:
        """Every look at the use case's sealed data, newest first."""
        return self._get(f"/use-cases/{use_case}/looks", list[SealedLook])

    # Versions and gates

    def register(
        self, model: Any, use_case: str, *, train: Dataset | str, name: str = "", **about: Any
    ) -> ModelVersion:
        """Register a version: a fitted scikit-learn, XGBoost or LightGBM model, a path, or an artifact's bytes.

        Keywords: `threshold`, `inputs`, `developers`, `description`, `code_revision`, `parents`, and `training`, a
        `path/to/file.py:function` by which validation can train it again.
        """
        meta: dict[str, Any] = {
            "use_case": use_case,
            "name": name or use_case,
            "train_dataset": train if isinstance(train, str) else train.id,
            "environment": environment(),
            **about,
        }
        said, files = version_form(model, meta)
        return self._send("POST", "/versions", ModelVersion, data={"meta": said}, files=files)

    def compose(self, document: str | Path, use_case: str, *, name: str, **about: Any) -> ModelVersion:
        """Register approved versions as one: the document is a file's path or YAML text.

        Keywords: `train_dataset` (none: the first member's), `threshold`, `description`.
        """
        text = read_bytes(document).decode("utf-8", "replace") if isinstance(document, Path) else document
        body = {"document": text, "use_case": use_case, "name": name, **about}
        return self._post("/compositions", body, ModelVersion)

    def version(self, version: str) -> ModelVersion:
        """One version as it stands."""
        return msgspec.convert(self._get(f"/versions/{version}", dict[str, Any])["version"], ModelVersion)

    def versions(self, use_case: str = "") -> list[ModelVersion]:
        """Versions, newest first."""
        return every(self.ask, "/versions", ModelVersion, use_case=use_case)

    def runs(self, version: str) -> list[GateRun]:
        """The gate runs of a version, oldest first."""
        return msgspec.convert(self._get(f"/versions/{version}", dict[str, Any])["runs"], list[GateRun])

    def validate(self, version: str, *, playbook: str | Path = "") -> GateRun:
        """Run the validation gate."""
        return self._gate(version, Gate.VALIDATION, playbook)

    def release(self, version: str, *, traffic: Dataset | str, endpoint: str, playbook: str | Path = "") -> GateRun:
        """Run the release gate on a production sample."""
        sample = traffic if isinstance(traffic, str) else traffic.id
        return self._gate(version, Gate.RELEASE, playbook, production=sample, endpoint=endpoint)

    def activate(
        self, version: str, *, traffic: Dataset | str, endpoint: str, playbook: str | Path = ""
    ) -> GateRun:
        """Run the activation gate."""
        sample = traffic if isinstance(traffic, str) else traffic.id
        return self._gate(version, Gate.ACTIVATION, playbook, production=sample, endpoint=endpoint)

    def start_gate(self, version: str, gate: Gate, *, playbook: str | Path = "", **about: str | bool) -> GateRun:
        """Start a gate without waiting; follow it with `run`."""
        return self._gate(version, gate, playbook, wait=False, **about)

    def run(self, run: str) -> GateRun:
        """A gate run as it stands, with the findings made so far."""
        return self._get(f"/runs/{run}", GateRun)

    def cancel_gate(self, run: str, reason: str) -> GateRun:
        """End a gate run that has not concluded; it lets nothing through."""
        return self._post(f"/runs/{run}/cancel", {"reason": reason}, GateRun)

    def retry_gate(self, run: str, *, fresh: bool = False) -> GateRun:
        """Take up a gate run that was left, or start one again that could not conclude; follow it with `run`."""
        return self._post(f"/runs/{run}/retry", {"fresh": fresh}, GateRun)

    def why(self, version: str) -> dict[str, Any]:
        """What stands between a version and its next state."""
        return self._get(f"/versions/{version}/why", dict[str, Any])

    def sign(self, version: str, *, approved: bool = True, reason: str = "") -> SignOff:
        """Approve or reject the newest validation of a version."""
        return self._post(f"/versions/{version}/sign-off", {"approved": approved, "reason": reason}, SignOff)

    def accept(self, version: str, *, service_owner: str, run_book: str, in_place_of: str = "") -> HandOff:
        """Accept a candidate into operation, in the place of somebody who delegated that if one is named."""
        body = {"service_owner": service_owner, "run_book": run_book, "in_place_of": in_place_of}
        return self._post(f"/versions/{version}/hand-off", body, HandOff)

    # Serving

    def endpoint(self, name: str, use_case: str, decision_point: str) -> Endpoint:
        """Register an endpoint."""
        body = {"name": name, "use_case": use_case, "decision_point": decision_point}
        return self._post("/endpoints", body, Endpoint)

    def predict(self, endpoint: str, body: bytes) -> dict[str, Any]:
        """One Open Inference Protocol request to the gateway."""
        return self._send("POST", f"/v2/models/{endpoint}/infer", dict[str, Any], content=body, prefix="")

    def outcomes(
        self, endpoint: str, reported: Mapping[str, float], observed_at: datetime | None = None
    ) -> dict[str, Any]:
        """Report outcomes by request id."""
        at = observed_at.isoformat() if observed_at else None
        body = [{"request_id": k, "value": float(v), "observed_at": at} for k, v in reported.items()]
        return self._send("POST", f"/endpoints/{endpoint}/outcomes", dict[str, Any], json=body)

    def outcome_file(self, endpoint: str, path: Path) -> dict[str, Any]:
        """Report outcomes from a CSV or Parquet file."""
        route = f"/endpoints/{endpoint}/outcomes/file"
        return self._send("POST", route, dict[str, Any], content=read_bytes(path), params={"name": path.name})

    # Watching

    def review(self, endpoint: str, since: datetime | None = None, until: datetime | None = None) -> ReviewRun:
        """Review a window of decisions."""
        body = {"since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
        return self._post(f"/endpoints/{endpoint}/reviews", body, ReviewRun)

    def reviews(self, endpoint: str) -> list[ReviewRun]:
        """Reviews, oldest first."""
        return every(self.ask, f"/endpoints/{endpoint}/reviews", ReviewRun)[::-1]

    def ledger(self, endpoint: str) -> list[LedgerEntry]:
        """The value ledger, oldest first."""
        return every(self.ask, f"/endpoints/{endpoint}/ledger", LedgerEntry)[::-1]

    def catalog(self, **search: str | int | Sequence[str]) -> Page[VersionCard]:
        """One page of the versions that match, as cards; see `GET /catalog` for what can be asked for."""
        given = {name: value for name, value in search.items() if value}
        return self._send("GET", "/catalog", Page[VersionCard], params=given)

    def status(self) -> dict[str, Any]:
        """Where everything stands."""
        return self._get("/status", dict[str, Any])

    def work_items(self, use_case: str = "", *, version: str = "", open_only: bool = False) -> list[WorkItem]:
        """Work items, newest first."""
        cut = {"use_case": use_case, "version": version, "open_only": str(open_only).lower()}
        return every(self.ask, "/work-items", WorkItem, **cut)

    def assign(self, item: str, person: str) -> WorkItem:
        """Give an open work item to a person."""
        return self._send("PUT", f"/work-items/{item}/assignee", WorkItem, json={"assignee": person})

    def work_item(self, item: str) -> dict[str, Any]:
        """One work item as `item`, its re-entry `rule` and its `history`."""
        return self._get(f"/work-items/{item}", dict[str, Any])

    def comment(self, item: str, text: str) -> WorkItem:
        """Say something about a work item."""
        return self._post(f"/work-items/{item}/comments", {"text": text}, WorkItem)

    def link(self, item: str, successor: str) -> WorkItem:
        """Name the version that is to mend an open work item."""
        return self._send("PUT", f"/work-items/{item}/successor", WorkItem, json={"successor": successor})

    def re_enter(self, version: str, why: str) -> ModelVersion:
        """Bring a returned version back, to pass the gates again."""
        return self._post(f"/versions/{version}/re-entry", {"why": why}, ModelVersion)

    def trace(self, key: str) -> list[dict[str, Any]]:
        """Everything about the decisions with this id or request id."""
        return self._get(f"/traces/{key}", list[dict[str, Any]])

    def replay(self, key: str) -> list[dict[str, Any]]:
        """Those decisions scored again and compared bit for bit."""
        return self._get(f"/traces/{key}/replay", list[dict[str, Any]])

    def explain(self, key: str) -> list[dict[str, Any]]:
        """Which inputs moved the score of those decisions, as far as you may see it."""
        return self._get(f"/traces/{key}/explanation", list[dict[str, Any]])

    def changes(self, subject: str = "", limit: int = 200) -> list[Change]:
        """The change record, newest first."""
        return self._get("/changes", list[Change], subject=subject, limit=str(limit))

    def verify_changes(self, against: Sequence[str] = ()) -> int:
        """Verify the whole change record, also by checkpoints kept elsewhere; returns its length."""
        return self.verify_record(against)["verified"]

    def verify_record(self, against: Sequence[str] = ()) -> dict[str, int]:
        """The same, in numbers: links verified, signed checkpoints, and the links these cover."""
        if against:
            return self._post("/changes/verification", {"against": list(against)}, dict[str, int])
        return self._get("/changes/verification", dict[str, int])

    def checkpoint(self) -> Evidence:
        """The signed checkpoint of the change record's newest link, to be kept elsewhere."""
        return self._get("/changes/checkpoint", Evidence)

    def bundle(self, version: str) -> dict[str, Any]:
        """Everything that proves a version, for offline verification."""
        return self._get(f"/versions/{version}/bundle", dict[str, Any])

    def _gate(
        self, version: str, gate: Gate, playbook: str | Path, *, wait: bool = True, **about: str | bool
    ) -> GateRun:
        body: dict[str, Any] = {"wait": wait, **about}
        if playbook:
            path = Path(playbook)
            body |= {"playbook": read_bytes(path).decode("utf-8", "replace"), "playbook_file": path.name}
        return self._post(f"/versions/{version}/gates/{gate.value}", body, GateRun)


def connect(url: str, token: str, actor: str = "") -> Road:
    """A connection to a running installation."""
    return Road(httpx.Client(base_url=url, timeout=TIMEOUT_S), token, actor)
