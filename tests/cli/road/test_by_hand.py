"""One model's whole road, by hand, through the command line alone: simulated customers, a joblib model."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Walked:
    """What each command of the road answered, by a name of its own."""

    folder: Path
    cli: Any
    ran: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, by_hand: Any) -> Walked:
    folder = tmp_path_factory.mktemp("by-hand")
    by_hand.data(folder)
    cli = by_hand.cli(folder / "workspace")
    road = Walked(folder, cli)

    def go(name: str, *words: object, actor: str = "") -> None:
        road.ran[name] = cli(*words, actor=actor)

    f = folder
    go("init", "init")
    go("use-case", "use-case", "churn", "--target", "y", "--positive", "yes", "--tier", "low", actor="dan")
    go("split", "register", "data", f / "history.csv", "--use-case", "churn", "--split", 0.5, "--train-to",
       f / "train.csv", actor="dan")  # fmt: skip
    by_hand.train(f / "train.csv", f / "model.joblib")
    go("register", "register", "model", f / "model.joblib", "--use-case", "churn", "--inputs",
       "tenure,calls,spend", "--training", f"{f / 'train.py'}:fit", "--threshold", 0.3, "--code-revision",
       "4b825dc", "--description", "Logistic regression on three columns.", actor="dan")  # fmt: skip
    go("agree", "agree", "churn", "--value", by_hand.value, "--unit", "EUR", "--holdout-share", 0.1, actor="olga")
    go("validate", "validate", "churn:1", actor="dan")
    go("own-sign", "sign", "churn:1", actor="dan")
    go("sign", "sign", "churn:1", "--approve", "--reason", "It holds.", actor="vera")
    # From here on a server runs on the workspace, and the same commands talk to it.
    with by_hand.served(f / "workspace"):
        go("endpoint", "endpoint", "offers", actor="omar")
        go("early", "deploy", "churn:1", actor="omar")
        go(
            "sample",
            "register",
            "data",
            f / "traffic.csv",
            "--use-case",
            "churn",
            "--role",
            "production",
            actor="dan",
        )
        go("release", "release", "churn:1", "--json", actor="rita")
        go("accept", "accept", "churn:1", "--run-book", "Call omar.", actor="omar")
        go("activate", "activate", "churn:1", actor="omar")
        go("deploy", "deploy", "churn:1", actor="omar")
        go("predict", "predict", f / "later.csv", "--unit-id", "customer", "--request-id", "customer", "--out",
           f / "scored.csv")  # fmt: skip
        go("outcomes", "outcomes", f / "later.csv", "--request-id", "customer", "--outcome", "y", actor="omar")
        go("review", "review", actor="omar")
        go("status", "status")
        go("ledger", "ledger", "--json")
        go("step", "step", "--json", actor="omar")
        go("trace", "trace", "c3-7")
        go("replay", "replay", "c3-7")
        go("explain", "explain", "c3-7", actor="vera")
        go("reasons", "explain", "c3-7", actor="omar")
        go("bundle", "bundle", "churn:1", "-o", f / "bundle.json", "--trust-out", f / "trust.json",
           "--artifact-out", f / "model.skops")  # fmt: skip
        go("verify", "verify", f / "bundle.json")
        go("record", "verify")
        go("changes", "changes", "--json")
        go("work", "work")
    return road


def test_every_step_of_the_road_succeeds_but_the_two_that_must_not(walked: Walked) -> None:
    codes = {name: r.code for name, r in walked.ran.items() if r.code}
    assert codes == {"own-sign": 5, "early": 4}, {n: walked.ran[n].err + walked.ran[n].out for n in codes}


def test_a_developers_own_signature_is_refused_in_one_sentence(walked: Walked) -> None:
    said = walked.ran["own-sign"].err
    assert said.startswith("Error: dan developed churn:1")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("init", "Next: roadworthy register MODEL"),
        ("split", "then roadworthy register model FILE --use-case churn"),
        ("register", "Next: roadworthy agree churn"),
        ("validate", "Next: roadworthy sign churn:1 --approve --as vera"),
        ("sign", "Next: roadworthy release churn:1 --as rita"),
        ("accept", "Next: roadworthy activate churn:1 --as omar"),
        ("activate", "Next: roadworthy deploy churn:1 --endpoint offers --as omar"),
        ("deploy", "Next: roadworthy predict FILE --endpoint offers"),
        ("bundle", "Next: roadworthy verify"),
    ],
)
def test_each_step_says_who_does_what_next(walked: Walked, step: str, said: str) -> None:
    assert said in " ".join(walked.ran[step].out.split())


def test_findings_are_told_on_stderr_while_the_gate_runs(walked: Walked) -> None:
    told = [line.split()[1:3] for line in walked.ran["validate"].err.splitlines() if line.startswith("  ")]
    assert told[0] == ["V1", "kpi-contract"]
    assert told[-1] == ["V9", "independent-validator"]
    assert f"validation: ✔ pass  ({len(told)} pass)" in walked.ran["validate"].out


def test_with_json_a_gate_is_one_document_with_run_and_next_steps(walked: Walked) -> None:
    document = walked.ran["release"].document
    assert document["run"]["verdict"] == "pass"
    assert {f["step"] for f in document["run"]["findings"]} >= {"Model risk review"}
    assert document["next"] == ["Next: roadworthy accept churn:1 --run-book TEXT --as omar"]


def test_predictions_keep_the_callers_ids_and_a_tenth_of_the_units_is_held_out(walked: Walked) -> None:
    lines = (walked.folder / "scored.csv").read_text().splitlines()
    assert lines[0] == '"request_id","unit_id","score","acted","arm"'
    assert len(lines) == 2001
    held = sum('"hold-out"' in line for line in lines)
    assert 150 < held < 250
    assert all(',"c3-' not in line or line.startswith('"c3-') for line in lines[1:])


def test_outcomes_find_their_decisions_and_the_ledger_has_an_interval_above_zero(walked: Walked) -> None:
    assert "2,000 outcomes taken in, 2,000 belong to a decision" in walked.ran["outcomes"].out
    entry = walked.ran["ledger"].document["items"][0]
    assert entry["measurable"] is True
    assert 0 < entry["interval"]["low"] < entry["per_unit"] < entry["interval"]["high"]


def test_the_status_page_shows_state_gates_traffic_and_value(walked: Walked) -> None:
    page = walked.ran["status"].out
    for said in ("activated", "14✔", "churn:1 90% hold-out 10%", "Value ledger of offers", "olga"):
        assert said in page


def test_a_replay_gives_the_logged_score_again(walked: Walked) -> None:
    ran = walked.ran["replay"]
    assert ran.code == 0
    assert "The same score" in " ".join(ran.out.split())


def test_an_explanation_tells_as_much_as_the_role_may_see(walked: Walked) -> None:
    full, reasons = (" ".join(walked.ran[name].out.split()) for name in ("explain", "reasons"))
    assert "Usual score" in full
    assert "Not shown to you" not in full
    assert "Main reasons for the score" in reasons
    assert "Not shown to you: all sizes, the usual score" in reasons


def test_a_trace_leads_from_the_request_to_people_outcome_and_money(walked: Walked) -> None:
    story = walked.ran["trace"].out
    for said in (
        "Request c3-7",
        "churn:1 by dan",
        "trained on    train.csv",
        "signed by     vera: approved",
        "EUR",
    ):
        assert said in story


def test_without_a_rollout_a_step_looks_at_nothing(walked: Walked) -> None:
    assert walked.ran["step"].document["look"] is None


def test_the_change_record_holds_and_names_everybody_who_acted(walked: Walked) -> None:
    assert "none touched" in walked.ran["record"].out
    assert {c["actor"] for c in walked.ran["changes"].document} >= {
        "dan",
        "olga",
        "vera",
        "rita",
        "omar",
        "platform",
    }


def test_the_bundle_holds_for_the_workspace_and_for_a_stranger_with_the_trust_root(
    walked: Walked, by_hand: Any, tmp_path: Path
) -> None:
    assert walked.ran["verify"].code == 0
    elsewhere = by_hand.cli(tmp_path / "elsewhere")
    f = walked.folder
    ran = elsewhere(
        "verify", f / "bundle.json", "--trust", f / "trust.json", "--artifact", f / "model.skops", "--json"
    )
    assert (ran.code, ran.document["holds"]) == (0, True)
    assert list(tmp_path.iterdir()) == []


def test_without_trust_root_and_artifact_nothing_is_proven_and_nothing_wrong(
    walked: Walked, by_hand: Any, tmp_path: Path
) -> None:
    ran = by_hand.cli(tmp_path)("verify", walked.folder / "bundle.json", "--json")
    open_items = {i["name"] for i in ran.document["items"] if i["status"] == "could-not-verify"}
    assert (ran.code, ran.document["holds"]) == (9, False)
    assert open_items == {"trust root", "artifact"}


def _edited(bundle: dict[str, Any]) -> dict[str, Any]:
    bundle["changes"][3]["why"] = "nothing to see here"
    return bundle


def _better(bundle: dict[str, Any]) -> dict[str, Any]:
    bundle["version"]["threshold"] = 0.9
    return bundle


@pytest.mark.parametrize(
    ("tamper", "item"),
    [(_edited, "change record"), (_better, "version and use case")],
    ids=["edited-change", "edited-version"],
)
def test_a_tampered_bundle_is_wrong_even_for_someone_without_a_trust_root(
    walked: Walked, by_hand: Any, tmp_path: Path, tamper: Any, item: str
) -> None:
    bundle = tamper(json.loads((walked.folder / "bundle.json").read_text()))
    by_hand.write_canonical(tmp_path / "forged.json", bundle)
    for folder in (walked.folder / "workspace", tmp_path):
        ran = by_hand.cli(folder)("verify", tmp_path / "forged.json", "--json")
        wrong = [i["name"] for i in ran.document["items"] if i["status"] == "wrong"]
        assert (ran.code, item in wrong) == (6, True)


@pytest.mark.parametrize(
    ("name", "data"),
    [("gone.json", None), ("empty.json", b""), ("text.json", b"hello"), ("other.json", b'{"format":"x"}')],
    ids=["missing", "empty", "no-json", "another-format"],
)
def test_a_file_that_is_no_bundle_could_not_be_verified(
    by_hand: Any, tmp_path: Path, name: str, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    ran = by_hand.cli(tmp_path)("verify", tmp_path / name)
    assert ran.code == 9
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1


def test_without_the_server_the_same_commands_still_work(walked: Walked) -> None:
    ran = walked.cli("status", "--json")
    assert [v["version"]["id"] for v in ran.document["versions"]] == ["churn:1"]
