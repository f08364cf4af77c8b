"""Every command: its name, the module that holds it, one line about it. Nothing else is loaded for `--help`."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One command. `module` is below `roadworthy.cli` and has the command as `app`."""

    name: str
    module: str
    summary: str


SECTIONS: dict[str, tuple[Row, ...]] = {
    "The road": (
        Row("init", "road.init", "Make a workspace: settings, playbook, people."),
        Row("people", "road.people", "List people and their roles, or add one."),
        Row("token", "access.token", "List, make or revoke tokens: who is asking is proven by them."),
        Row("use-case", "road.use_case", "Register a use case: objective, owner, target, risk tier."),
        Row("agree", "road.agree", "Agree and sign the KPI contract, as the business owner."),
        Row("register", "road.register", "Register data or a model version, or all in one go."),
        Row("compose", "handing_in.compose", "Make approved versions one version that answers with all."),
        Row("validate", "road.validate", "Gate 1: may the model leave the workshop?"),
        Row("why", "gates.why", "What stands between a version and its next state?"),
        Row("cancel", "gates.cancel", "End a gate run that has not concluded."),
        Row("retry", "gates.retry", "Try a gate run again that was left or could not conclude."),
        Row("sign", "road.sign", "Approve or reject a validation, as an independent validator."),
        Row("reenter", "road.reenter", "Bring a returned version back, where its defects allow it."),
        Row("delegate", "licence.delegate", "Let somebody sign in your place for a while."),
        Row("release", "road.release", "Gate 2: does it hold on production-like traffic?"),
        Row("accept", "road.accept", "Accept a candidate into operation (hand-off)."),
        Row("activate", "road.activate", "Gate 3: can it be operated?"),
    ),
    "Traffic": (
        Row("endpoint", "traffic.endpoint", "Register an endpoint: a stable route to a decision point."),
        Row("deploy", "rollout.deploy", "Put an activated version in front of traffic, by a strategy."),
        Row("step", "rollout.step", "Look at a rollout and move it as the evidence allows."),
        Row("promote", "rollout.promote", "Make a challenger the champion, by a person's decision."),
        Row("pause", "rollout.pause", "Stop a rollout where it is."),
        Row("shadows", "rollout.shadows", "What shadows would have answered, beside what was answered."),
        Row("rollback", "rollout.rollback", "Take a new version's traffic away at once."),
        Row("predict", "traffic.predict", "Score a CSV or Parquet file through an endpoint."),
        Row("score", "batch.score", "Score a file of any length, and go on where it stopped."),
        Row("outcomes", "traffic.outcomes", "Report what happened afterwards, from a file."),
        Row("agents", "traffic.agents", "Agents that report of models served elsewhere."),
        Row("review", "traffic.review", "Is the licence still deserved? Drift, performance, value."),
        Row("ledger", "traffic.ledger", "What each version earned, with intervals."),
    ),
    "The licence": (
        Row("licence", "licence.licence", "How an approval stands; renew, suspend, reinstate, retire."),
        Row("expire", "licence.expire", "Suspend what has outlived its approval."),
        Row("policy", "licence.policy", "Who may do what: show, check, set or try the rules."),
    ),
    "Records": (
        Row("status", "records.status", "Where every version and endpoint stands."),
        Row("versions", "records.versions", "List versions: filter, order, page by page."),
        Row("work", "records.work", "Work items: defects on their way back to development."),
        Row("data", "records.data", "Data sets, and who looked at the sealed ones."),
        Row("trace", "records.trace", "From one request id to version, people, outcome and money."),
        Row("replay", "traffic.replay", "Score a logged decision again and compare bit for bit."),
        Row("explain", "traffic.explain", "Which inputs moved a logged score, and by how much."),
        Row("log", "keeping.rules", "How an endpoint's decisions are kept: sync, retention, redaction."),
        Row("compact", "keeping.compact", "Move sealed decisions into Delta tables; drop what is too old."),
        Row("erase", "keeping.erase", "Erase a unit's decisions and outcomes for good."),
        Row("changes", "records.changes", "The change record: who did what, and why."),
        Row("bundle", "records.bundle", "Write everything that proves a version into one file."),
        Row("dossier", "records.dossier", "Write a version's signed dossier: HTML, PDF, BOM, index."),
        Row("verify", "records.verify", "Verify a bundle offline, or the workspace's change record."),
    ),
    "Running": (
        Row("up", "processes.up", "Run page, API and gateway until stopped."),
        Row("gateway", "processes.gateway", "Run the gateway alone, in processes of its own."),
        Row("agent", "processes.agent", "Report a file's lines of decisions made elsewhere."),
        Row("demo", "processes.demo", "Play one model's whole road on a bank campaign."),
    ),
}
"""The commands by section, in the order in which one meets them."""

COMMANDS: dict[str, Row] = {row.name: row for rows in SECTIONS.values() for row in rows}
"""The same by name."""
