"""The API: what goes in, what comes out, under which status; and who is asking."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from simulated_offers import artifact, parquet, table
from small_playbooks import WAIVED
from small_world import CASE, ENDPOINT, V1

from roadworthy.domain.errors import RoadworthyError
from roadworthy.domain.model import ModelVersion
from roadworthy.evidence.bundle import decode_bundle
from roadworthy.evidence.canonical import canonical
from roadworthy.sdk.transport import error_of

Open = Callable[[str], Any]
CONTRACT = {
    "unit": "EUR",
    "value": "outcome",
    "target": 0.1,
    "holdout_share": 0.1,
    "holdout_acts": False,
    "why": "anew",
}
META = {"use_case": CASE, "name": "offers", "threshold": 0.4, "inputs": ["age", "balance", "visits", "channel"]}


def meta(api: Any, **about: Any) -> dict[str, str]:
    return {"meta": json.dumps({**META, "train_dataset": api.world.dataset("train").id, **about})}


def test_without_a_name_the_administrator_asks(api_at: Open) -> None:
    api = api_at("prepared")
    assert api.ask("POST", "/people", json={"name": "nora", "roles": ["auditor"]}).status_code == 201
    assert api.world.changes()[-1].actor == "admin"


def test_the_named_person_asks_and_the_policy_judges_them(api_at: Open) -> None:
    api = api_at("prepared")
    reply = api.ask("POST", "/people", "dan", json={"name": "nora", "roles": ["auditor"]})
    assert (reply.status_code, reply.json()["code"]) == (403, "not-allowed")
    assert reply.json()["fields"] == {"actor": "dan", "action": "manage-people"}


def test_a_person_nobody_knows_is_not_found(api_at: Open) -> None:
    reply = api_at("prepared").ask("GET", "/people", "nobody")
    assert (reply.status_code, reply.json()["code"]) == (404, "not-found")


def test_the_whole_road_over_http(api_at: Open) -> None:
    api = api_at("prepared")
    book = {"playbook": WAIVED.decode()}
    sample = {"production": api.world.dataset("production").id, "endpoint": ENDPOINT, **book}
    made = api.ask("POST", "/versions", "dan", data=meta(api), files={"artifact": ("m", artifact())})
    steps = [
        ("dan", f"/versions/{V1}/gates/validation", book),
        ("vera", f"/versions/{V1}/sign-off", {"approved": True}),
        ("rita", f"/versions/{V1}/gates/release", sample),
        ("omar", f"/versions/{V1}/hand-off", {"service_owner": "omar", "run_book": "call omar"}),
        ("omar", f"/versions/{V1}/gates/activation", sample),
        ("omar", f"/endpoints/{ENDPOINT}/deployments", {"version": V1}),
    ]
    assert made.status_code == 201
    assert [api.ask("POST", path, who, json=body).status_code for who, path, body in steps] == [201] * 6
    assert api.ask("GET", f"/versions/{V1}").json()["version"]["state"] == "activated"
    assert (
        api.ask("GET", f"/endpoints/{ENDPOINT}/deployments").json()["items"][0]["deployment"]["state"] == "stable"
    )
    links = len(api.world.changes())
    found = api.ask("GET", "/changes/verification").json()
    assert found == {"verified": links, "checkpoints": found["checkpoints"], "covered": links}
    kept = api.ask("GET", "/changes/checkpoint", "ada").json()["envelope"]
    assert api.ask("POST", "/changes/verification", json={"against": [kept]}).json()["verified"] == links
    altered = kept.replace("a", "b", 1)
    assert api.ask("POST", "/changes/verification", json={"against": [altered]}).status_code == 409


def test_a_gate_that_is_not_waited_for_is_followed_by_its_run(api_at: Open) -> None:
    api = api_at("registered")
    body = {"playbook": WAIVED.decode(), "wait": False}
    started = api.ask("POST", f"/versions/{V1}/gates/validation", "dan", json=body)
    assert (started.status_code, started.json()["verdict"]) == (201, None)
    assert api.ask("GET", f"/runs/{started.json()['id']}").json()["verdict"] == "warn"


READS = [
    "/people",
    "/use-cases",
    f"/use-cases/{CASE}",
    f"/use-cases/{CASE}/contract",
    f"/use-cases/{CASE}/datasets",
    "/versions",
    f"/versions?use_case={CASE}&limit=1",
    f"/versions/{V1}",
    f"/versions/{V1}/bundle",
    f"/versions/{V1}/evidence",
    f"/runs/validation-{V1}-1",
    "/endpoints",
    f"/endpoints/{ENDPOINT}",
    f"/endpoints/{ENDPOINT}/deployments",
    f"/endpoints/{ENDPOINT}/reviews",
    f"/endpoints/{ENDPOINT}/ledger",
    "/status",
    "/work-items",
    "/changes?limit=3",
    f"/changes?subject={V1}",
    "/changes/verification",
]


@pytest.mark.parametrize("path", READS)
def test_an_auditor_reads_everything(api_at: Open, path: str) -> None:
    reply = api_at("serving").ask("GET", path, "ada")
    assert reply.status_code == 200
    assert reply.json() is not None


MISSING = [
    "/use-cases/nothing/contract",
    "/use-cases/nothing/datasets",
    "/versions/nothing:1",
    "/versions/nothing:1/bundle",
    "/versions/nothing:1/evidence",
    "/endpoints/nothing/reviews",
    "/endpoints/nothing/ledger",
    "/runs/nothing",
    "/endpoints/nothing/deployments",
    "/traces/nothing",
]


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_404_and_named(api_at: Open, path: str) -> None:
    reply = api_at("serving").ask("GET", path)
    assert (reply.status_code, reply.json()["code"]) == (404, "not-found")
    assert "nothing" in reply.json()["what"]


STATUSES: dict[str, tuple[str, str, str, Any, int, str]] = {
    "exists already": ("admin", "POST", "/people", {"name": "dan", "roles": ["auditor"]}, 409, "already-exists"),
    "unknown role": ("admin", "POST", "/people", {"name": "nora", "roles": ["wizard"]}, 422, "setting"),
    "unknown field": ("admin", "POST", "/people", {"name": "nora", "roles": [], "age": 3}, 422, "input"),
    "missing field": ("admin", "POST", "/people", {"name": "nora"}, 422, "input"),
    "body is a list": ("admin", "POST", "/people", [], 422, "input"),
    "typo in a KPI": ("olga", "POST", f"/use-cases/{CASE}/contract", {**CONTRACT, "value": "oops"}, 422, "expression"),
    "share beyond": ("olga", "POST", f"/use-cases/{CASE}/contract", {**CONTRACT, "holdout_share": 0.9}, 422, "setting"),
    "not independent": ("dan", "POST", f"/versions/{V1}/sign-off", {"approved": True}, 403, "not-independent"),
    "not from here": ("vera", "POST", f"/versions/{V1}/sign-off", {"approved": True}, 409, "illegal-transition"),
    "serves already": ("omar", "POST", f"/endpoints/{ENDPOINT}/deployments", {"version": V1}, 409, "conflict"),
    "unknown gate": ("dan", "POST", f"/versions/{V1}/gates/customs", {}, 422, "input"),
    "unknown playbook key": (
        "dan", "POST", f"/versions/{V1}/gates/validation", {"playbook": "name: x\nstep: {}"}, 422, "playbook",
    ),
    "rule out of range": ("omar", "POST", f"/endpoints/{ENDPOINT}/rollout/step", {"alpha": 7}, 422, "setting"),
    "a time without a zone": (
        "omar", "POST", f"/endpoints/{ENDPOINT}/reviews", {"since": "2026-01-01T00:00:00"}, 422, "setting",
    ),
    "an outcome without a zone": (
        "omar", "POST", f"/endpoints/{ENDPOINT}/outcomes",
        [{"request_id": "r", "value": 1, "observed_at": "2026-01-01T00:00:00"}], 422, "data",
    ),
    "nothing to review": ("omar", "POST", f"/endpoints/{ENDPOINT}/reviews", {}, 409, "conflict"),
    "nothing to resume": (
        "omar", "POST", f"/endpoints/{ENDPOINT}/rollout/resume", {"reason": "x"}, 409, "illegal-transition",
    ),
    "unknown work item": ("omar", "PUT", "/work-items/work-9/assignee", {"assignee": "dan"}, 404, "not-found"),
    "history of an unknown work item": ("ada", "GET", "/work-items/work-9", None, 404, "not-found"),
    "re-entry of what serves": ("dan", "POST", f"/versions/{V1}/re-entry", {"why": "x"}, 409, "illegal-transition"),
    "a negative page": ("ada", "GET", "/versions?limit=-1", None, 422, "setting"),
    "a page of text": ("ada", "GET", "/versions?limit=many", None, 422, "input"),
    "an endless page": ("ada", "GET", "/versions?limit=99999999999999999999", None, 422, "setting"),
    "a foreign cursor": ("ada", "GET", "/use-cases?cursor=x", None, 422, "setting"),
    "negative changes": ("ada", "GET", "/changes?limit=-1", None, 422, "setting"),
}  # fmt: skip


@pytest.mark.parametrize(("who", "method", "path", "body", "status", "code"), STATUSES.values(), ids=STATUSES)
def test_a_refusal_has_its_status_its_code_and_a_remedy(
    api_at: Open, who: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    api = api_at("serving")
    before = [c for c in api.world.changes() if c.action != "sign-off-refused"]
    reply = api.ask(method, path, who, **({} if body is None else {"json": body}))
    said = reply.json()
    assert (reply.status_code, said["code"]) == (status, code)
    assert said["what"]
    assert said["remedy"]
    assert [c for c in api.world.changes() if c.action != "sign-off-refused"] == before


def test_a_playbooks_mistake_is_told_with_file_line_key_and_what_is_allowed(api_at: Open) -> None:
    body = {"playbook": "name: x\nsteps: {}\nwavers: []\n", "playbook_file": "mine.yaml"}
    fields = api_at("registered").ask("POST", f"/versions/{V1}/gates/validation", "dan", json=body).json()["fields"]
    assert (fields["file"], fields["line"], fields["key"]) == ("mine.yaml", 3, "wavers")
    assert "waivers" in str(fields["allowed"])


BODIES = {  # each what a broken or hostile client may send
    "no JSON": b"{",
    "NaN": b'{"unit": "EUR", "value": "outcome", "target": NaN, "holdout_share": 0.1, "holdout_acts": false}',
    "endless": b'{"unit": "EUR", "value": "outcome", "target": 1e999, "holdout_share": 0.1, "holdout_acts": false}',
    "not UTF-8": b"\xff\xfe",
    "deep": b"[" * 3000 + b"]" * 3000,
    "nothing": b"",
    "half a character": b'{"unit": "\\ud800", "value": "1", "target": 1, "holdout_share": 0, "holdout_acts": true}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_none_is_422_and_never_500(api_at: Open, body: bytes) -> None:
    api = api_at("prepared")
    before = api.world.changes()
    reply = api.ask("POST", f"/use-cases/{CASE}/contract", "olga", content=body)
    assert (reply.status_code, set(reply.json())) == (422, {"code", "what", "remedy", "fields"})
    assert api.world.changes() == before


def test_a_data_set_is_the_body_and_its_name_the_query(api_at: Open) -> None:
    api = api_at("prepared")
    query = {"role": "validation", "name": "more.parquet", "synthetic": "true"}
    body = parquet(table(100, 9))
    reply = api.ask("POST", f"/use-cases/{CASE}/datasets", "dan", params=query, content=body)
    assert (reply.status_code, reply.json()["rows"], reply.json()["synthetic"]) == (201, 100, True)


@pytest.mark.parametrize(("role", "code"), [("sealed test", "setting"), ("TRAIN", "setting"), ("", "setting")])
def test_a_role_no_data_can_have_is_refused_naming_those_there_are(api_at: Open, role: str, code: str) -> None:
    query = {"role": role, "name": "x.csv"}
    reply = api_at("prepared").ask(
        "POST", f"/use-cases/{CASE}/datasets", "dan", params=query, content=b"a,b\n1,2\n"
    )
    assert (reply.status_code, reply.json()["code"]) == (422, code)
    assert "train, validation, sealed, production" in reply.json()["remedy"]


METAS: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "setting"),
    "a typo": ('{"usecase": "offers"}', "setting"),
    "a threshold beyond": (json.dumps({**META, "train_dataset": "x", "threshold": 3}), "setting"),
    "unknown data": (json.dumps({**META, "train_dataset": "x"}), "not-found"),
}


@pytest.mark.parametrize(("text", "code"), METAS.values(), ids=METAS)
def test_a_version_described_wrongly_is_refused(api_at: Open, text: str, code: str) -> None:
    api = api_at("prepared")
    reply = api.ask("POST", "/versions", "dan", data={"meta": text}, files={"artifact": ("m", artifact())})
    assert (reply.status_code, reply.json()["code"]) == (404 if code == "not-found" else 422, code)
    assert api.world.all(ModelVersion) == []


def test_a_model_that_is_none_is_422(api_at: Open) -> None:
    api = api_at("prepared")
    reply = api.ask("POST", "/versions", "dan", data=meta(api), files={"artifact": ("m", b"text")})
    assert (reply.status_code, reply.json()["code"]) == (422, "artifact")


FOLDERS: dict[str, tuple[bool, list[str], str]] = {
    "two files that are no folder": (False, ["a", "b"], "the form has 2 artifacts"),
    "one name twice": (True, ["model.skops", "model.skops"], "have the same name"),
    "a way out": (True, ["model.skops", "../x.txt"], "a file named '../x.txt'"),
    "too many files": (True, ["model.skops", *(f"{i}.txt" for i in range(900))], "901 files, allowed are 900"),
}


@pytest.mark.parametrize(("folder", "names", "said"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_sent_wrongly_is_refused_by_name(api_at: Open, folder: bool, names: list[str], said: str) -> None:
    api = api_at("prepared")
    form = {"meta": json.dumps({**json.loads(meta(api)["meta"]), "folder": folder})}
    reply = api.ask("POST", "/versions", "dan", data=form, files=[("artifact", (n, b"text")) for n in names])
    assert (reply.status_code, said in reply.json()["what"]) == (422, True), reply.json()
    assert api.world.all(ModelVersion) == []


def test_outcomes_are_taken_in_from_a_file_by_whoever_may(api_at: Open) -> None:
    api = api_at("serving")
    about = {"params": {"name": "late.csv"}, "content": b"request_id,outcome\nr1,yes\nr2,no\n"}
    assert api.ask("POST", f"/endpoints/{ENDPOINT}/outcomes/file", "ada", **about).status_code == 403
    reply = api.ask("POST", f"/endpoints/{ENDPOINT}/outcomes/file", "omar", **about)
    assert reply.json() == {"received": 2, "matched": 0, "unmatched": ["r1", "r2"]}


UPLOADS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "data": (
        "dan",
        f"/use-cases/{CASE}/datasets",
        parquet(table(100, 9)),
        {"role": "validation", "name": "x.parquet"},
    ),
    "outcomes": (
        "omar",
        f"/endpoints/{ENDPOINT}/outcomes/file",
        b"request_id,outcome\nr1,yes\n",
        {"name": "x.csv"},
    ),
}


@pytest.mark.parametrize(("who", "path", "content", "query"), UPLOADS.values(), ids=UPLOADS)
def test_a_large_file_does_not_hold_up_the_event_loop(
    api_at: Open, monkeypatch: pytest.MonkeyPatch, who: str, path: str, content: bytes, query: dict[str, str]
) -> None:
    api = api_at("serving")
    seen: list[threading.Thread] = []
    begin = api.world.house.store.begin
    monkeypatch.setattr(api.world.house.store, "begin", lambda: seen.append(threading.current_thread()) or begin())
    assert api.ask("POST", path, who, params=query, content=content).status_code in (200, 201)
    assert threading.main_thread() not in seen


FRAMEWORK: dict[str, tuple[str, str, int, str]] = {
    "no such path": ("GET", "/nothing", 404, "not-found"),
    "no such method": ("DELETE", "/people", 405, "input"),
}


@pytest.mark.parametrize(("method", "path", "status", "code"), FRAMEWORK.values(), ids=FRAMEWORK)
def test_what_the_framework_refuses_has_the_same_shape(
    api_at: Open, method: str, path: str, status: int, code: str
) -> None:
    reply = api_at("prepared").ask(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert type(error_of(reply)).code == code


def test_a_defect_is_a_500_that_says_so_and_gives_nothing_away(
    api_at: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_at("prepared")

    def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api.world.house.store, "read", broken)
    reply = api.ask("GET", "/status")
    assert (reply.status_code, reply.json()["code"]) == (500, "error")
    assert "secret" not in reply.text
    assert isinstance(error_of(reply), RoadworthyError)


def test_a_bundle_comes_in_the_spelling_that_verification_reads(api_at: Callable[[str], Any]) -> None:
    reply = api_at("serving").ask("GET", f"/versions/{V1}/bundle", "ada")
    assert decode_bundle(canonical(reply.json())).version.id == V1
