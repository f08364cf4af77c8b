"""One version: what it is, what every gate found, who signed which digest, what is open, what was done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import Gate, GateRun
from roadworthy.domain.lifecycle import State
from roadworthy.domain.model import Dataset, ModelVersion
from roadworthy.domain.returns import WorkItem, WorkItemState
from roadworthy.domain.trust import Change, Evidence, HandOff, SignOff
from roadworthy.services.catalog.people import people
from roadworthy.services.facts import facts_of
from roadworthy.services.gates.why import Obstacle, explain, standing
from roadworthy.services.house import House
from roadworthy.services.licence.expiry import Standing, standing_of
from roadworthy.services.watch.verify import changes
from roadworthy.web.ui.layout import Ask, Page, Text, actor_field, form, house_of
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.site import Site
from roadworthy.web.ui.views.changes import change_table
from roadworthy.web.ui.views.findings import gate_section, overview
from roadworthy.web.ui.views.work import work_table
from roadworthy.web.ui.words import (
    approval_sentence,
    card,
    command,
    count,
    digest,
    empty,
    facts,
    icon,
    joined,
    link,
    moment,
    more,
    state,
    table,
    version_link,
)

SHOWN_CHANGES = 100
"""Newest changes about a version on its page."""


@dataclass(frozen=True, slots=True)
class File:
    """Everything recorded about one version."""

    version: ModelVersion
    train: Dataset
    runs: tuple[GateRun, ...]
    signed: tuple[SignOff, ...]
    evidence: tuple[Evidence, ...]
    hand_offs: tuple[HandOff, ...]
    work: tuple[WorkItem, ...]
    obstacles: tuple[Obstacle, ...]
    changes: tuple[Change, ...]
    approval: Standing


def build(site: Site, ask: Ask) -> Page:
    """The page of `/versions/{version}`."""
    found = _file(house_of(site), ask.path["version"])
    gates = [Text(f"gate-block-{g.value}", gate_section(g, [r for r in found.runs if r.gate is g])) for g in Gate]
    return Page(
        found.version.id,
        (
            Text("head", _head(found)),
            Text("why", _in_the_way(found)),
            *gates,
            *_sign_form(site, ask, found),
            *_dossier_form(site, ask, found),
            Text("signatures", _signatures(found), "half"),
            Text("handoff", _hand_off(found), "half"),
            Text("evidence", _evidence(found.evidence)),
            Text("work", _work(found.work)),
            Text("changes", _changes(found.changes)),
        ),
        live=any(r.verdict is None for r in found.runs),
    )


def _file(house: House, name: str) -> File:
    recorded, approval = tuple(changes(house, name, SHOWN_CHANGES)), standing_of(house, name)
    with house.store.read() as tx:
        version = tx.of(ModelVersion).get(name)
        return File(
            version=version,
            train=tx.of(Dataset).get(version.train_dataset),
            runs=tuple(tx.of(GateRun).find(version=name)),
            signed=tuple(tx.of(SignOff).find(version=name)),
            evidence=tuple(tx.of(Evidence).find(version=name)),
            hand_offs=tuple(tx.of(HandOff).find(version=name)),
            work=tuple(tx.of(WorkItem).find(version=name, newest_first=True)),
            obstacles=explain(standing(tx, version, house.clock.now())).obstacles,
            changes=recorded,
            approval=approval,
        )


def _next(of: File) -> Child:
    """What to do now: mend what is open, else the next step of the road."""
    name, state_ = of.version.id, of.version.state
    waiting = [w for w in of.work if w.state is WorkItemState.OPEN]
    if waiting and state_ in (State.RETURNED, State.ACTIVATED, State.SUSPENDED):
        return [
            "Next: mend what ",
            link(count(len(waiting), "open work item"), "work", version=name),
            (" names" if len(waiting) == 1 else " name"),
            ", and register a version that descends from it: ",
            command("register model FILE --use-case", of.version.use_case, "--parent", name),
        ]
    steps: dict[State, Child] = {
        State.REGISTERED: ["Next: ", command("validate", name)],
        State.AWAITING_SIGN_OFF: ["Next: somebody who did not develop it signs, ", command("sign", name)],
        State.VALIDATED: ["Next: ", command("release", name)],
        State.CANDIDATE: [
            "Next: an operator takes it on, ",
            command("accept", name, "--run-book TEXT"),
            ", then ",
            command("activate", name),
        ],
        State.ACTIVATED: ["Next: ", command("deploy", name), ", or keep reviewing what serves."],
        State.RETURNED: ["It was sent back; a version that descends from it takes its place."],
        State.SUSPENDED: ["It is suspended: it answers nothing until it is reinstated."],
        State.RETIRED: ["It is retired: this state is final."],
    }
    return steps.get(state_, ["A gate is running; this page follows it."])


def _head(of: File) -> Markup:
    v = of.version
    trained: Child = [
        link(of.train.source, "data", use_case=v.use_case),
        f", {count(of.train.rows, 'row')}, ",
        digest(of.train.digest),
    ]
    known: list[tuple[str, Child]] = [
        ("Artifact", [digest(v.artifact, 16), f" ({v.format.value})"]),
        ("Use case", link(v.use_case, "data", use_case=v.use_case)),
        ("Developers", ", ".join(v.developers)),
        ("Training data", trained),
        ("Acts from score", number(v.threshold)),
        ("Inputs", count(len(v.signature.inputs), "column")),
        ("Descends from", joined([version_link(p) for p in v.parents]) if v.parents else "none"),
        ("Code revision", v.code_revision or "not given"),
        ("Registered", moment(v.created_at)),
    ]
    return h(
        "section",
        h("div", h("h1", v.id), state(v.state), class_="card-head"),
        h("p", v.description) if v.description else None,
        h("p", _next(of), class_="next"),
        overview(of.runs),
        facts(known),
        more(
            f"Environment: {count(len(v.environment), 'library', 'libraries')}",
            facts(sorted(v.environment.items())),
        )
        if v.environment
        else None,
        more("Inputs and what was seen in training", _inputs(v)),
        class_="card",
    )


def _in_the_way(of: File) -> Markup:
    if not of.obstacles:
        return card("What stands in its way", empty("Nothing does."), name="why")
    rows: list[list[Child]] = [[o.kind.value.replace("-", " "), o.what, o.remedy] for o in of.obstacles]
    shown = table("What stands in its way", ("In the way", "What", "What removes it"), rows)
    return card("What stands in its way", shown, name="why")


def _inputs(version: ModelVersion) -> Markup:
    rows: list[list[Child]] = []
    for c in version.signature.inputs:
        seen = (
            f"{number(c.low)} to {number(c.high)}" if c.low is not None else ", ".join(c.categories[:12]) or "any"
        )
        more_ = f" and {len(c.categories) - 12} more" if len(c.categories) > 12 else ""
        rows.append([c.name, c.dtype.value, seen + more_, "yes" if c.missing_allowed else "no"])
    return table("Input columns", ("Column", "Type", "Seen in training", "May be missing"), rows, "details")


def _signatures(of: File) -> Markup:
    if not of.signed:
        how = ("An independent validator signs the newest validation: ", command("sign", of.version.id), ".")
        return card("Signatures", empty("Nobody has signed yet.", *how), name="signatures")
    items = [
        h(
            "li",
            icon("pass" if s.approved else "fail"),
            h("b", f" {s.person} {'approved' if s.approved else 'rejected'} "),
            h("code", s.gate_run),
            ", evidence ",
            digest(s.evidence),
            " on ",
            moment(s.created_at),
            h("br"),
            h("q", s.reason) if s.reason else h("span", "no reason given", class_="dim"),
        )
        for s in of.signed
    ]
    said = h("p", approval_sentence(of.approval))
    return card("Signatures", [said, h("ul", items, class_="work-list")], name="signatures")


def _sign_form(site: Site, ask: Ask, of: File) -> list[Text]:
    """The form in which whoever may sign does so; nothing for everybody else."""
    visitor, version = ask.visitor, of.version
    if visitor is None or version.state is not State.AWAITING_SIGN_OFF:
        return []
    known = facts_of(site.house, version=version.id)
    able = [p.id for p in people(site.house) if p.active and site.house.policy.permits(p, "sign-off", known)]
    choice = actor_field(visitor, able)
    if not visitor.may("sign-off", known) and (choice is None or not able):
        return []
    asked = form(
        f"/versions/{quote(version.id, safe=':@')}/sign-off",
        visitor,
        choice,
        h("label", "Reason ", h("input", name="reason", maxlength=2000, autocomplete="off")),
        h("button", "Approve", type="submit", name="decision", value="approve"),
        h("button", "Reject", type="submit", name="decision", value="reject"),
    )
    said = h(
        "p", "A rejection needs a reason. The signature binds the evidence of the newest validation.", class_="dim"
    )
    return [Text("sign", card("Sign", said, asked, name="sign"))]


def _dossier_form(site: Site, ask: Ask, of: File) -> list[Text]:
    """The buttons that print a dossier; nothing for who may not have one made."""
    visitor, version = ask.visitor, of.version
    if visitor is None or not visitor.may("issue-dossier", facts_of(site.house, version=version.id)):
        return []
    asked = form(
        f"/versions/{quote(version.id, safe=':@')}/dossier",
        visitor,
        h("button", "Download HTML", type="submit", name="format", value="html"),
        h("button", "Download PDF", type="submit", name="format", value="pdf"),
    )
    said = h(
        "p",
        "Everything recorded about this version, proven first. With bill of materials, index and signature: ",
        command("dossier", version.id),
        class_="dim",
    )
    return [Text("dossier", card("Dossier", said, asked, name="dossier"))]


def _hand_off(of: File) -> Markup:
    if not of.hand_offs:
        how = ("An operator accepts a candidate: ", command("accept", of.version.id, "--run-book TEXT"), ".")
        return card("Hand-off", empty("Nobody operates this version yet.", *how), name="hand-off")
    newest = of.hand_offs[-1]
    known: dict[str, Child] = {
        "Operator": newest.operator,
        "Service owner": newest.service_owner,
        "Run book": newest.run_book,
        "Accepted": moment(newest.accepted_at),
        "Evidence": digest(newest.statement),
    }
    return card("Hand-off", facts(known), name="hand-off")


def _evidence(found: Sequence[Evidence]) -> Markup:
    if not found:
        return card("Evidence", empty("No signed statement yet: each gate run and each signature leaves one."),
                    name="evidence")  # fmt: skip
    rows: list[list[Child]] = [
        [e.kind.value.replace("-", " "), digest(e.id, 16), digest(e.subject), e.signer, moment(e.created_at)]
        for e in found
    ]
    how = h("p", "Verify all of it offline: ", command("bundle", found[0].version, "--out FILE"), ", then ",
            command("verify FILE"), class_="dim")  # fmt: skip
    columns = ("Statement", "Evidence", "About the digest", "Signed by", "On")
    return card("Evidence", table("Signed statements", columns, rows), how, name="evidence")


def _work(items: Sequence[WorkItem]) -> Markup:
    if not items:
        return card("Work items", empty("No defect of this version is recorded."), name="work-items")
    return card("Work items", work_table("Work items of this version", items), name="work-items")


def _changes(found: Sequence[Change]) -> Markup:
    return card("Change record", change_table(found), name="change-record")
