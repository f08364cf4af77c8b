"""What a gate found: a stepper of its steps, each finding with verdict, number against limit, and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.gate import Finding, Gate, GateRun, Step, steps_of, tally
from roadworthy.domain.use_case import Interval
from roadworthy.domain.verdict import Verdict, worst
from roadworthy.services.gates.progress import CheckStatus, progress_of
from roadworthy.web.ui.charts import bar, bullet, calibration
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.words import badge, between, digest, icon, moment, more, table

TONES = {Verdict.PASS: "good", Verdict.WARN: "soso", Verdict.FAIL: "bad"}
"""Colour of a finding's plot; a finding without a decision stays neutral."""

CENTRES = ("gap", "auc", "mean", "importance", "value", "difference")
"""Columns whose value an interval may stand beside, the most telling first."""

BARS = ("auc_lost", "importance", "share")
"""Columns drawn as bars, against their own largest."""

WORDS = {"auc": "AUC", "sd": "SD", "kpi": "KPI", "psi": "PSI", "ece": "ECE", "n": "rows"}

MAX_ROWS = 30
"""Rows of a details table; the evidence has all."""

NUMBERS = {Gate.VALIDATION: 1, Gate.RELEASE: 2, Gate.ACTIVATION: 3}

QUESTIONS = {
    Gate.VALIDATION: "May the model leave the workshop?",
    Gate.RELEASE: "Does it hold inside a guarded perimeter?",
    Gate.ACTIVATION: "Can it be operated?",
}


def gate_section(gate: Gate, runs: Sequence[GateRun]) -> Markup:
    """One gate: its newest run step by step, and what earlier runs concluded."""
    newest = runs[-1] if runs else None
    title = f"{NUMBERS[gate]} {gate.value.capitalize()}"
    verdict = badge(newest.verdict) if newest else _not_run()
    about = _about(newest) if newest else h("p", QUESTIONS[gate], " This gate has not run yet.", class_="dim")
    steps = [_step(step, newest) for step in steps_of(gate)]
    earlier = runs[:-1]
    past = (
        more(
            f"{len(earlier)} earlier run{'s' if len(earlier) > 1 else ''}",
            h("ul", [_past(r) for r in earlier[::-1]]),
        )
        if earlier
        else None
    )
    head = h("div", h("h2", title, id=f"gate-{gate.value}"), verdict, class_="card-head")
    return h("section", head, about, h("ol", steps, class_="steps"), past, class_="card gate",
             aria_labelledby=f"gate-{gate.value}")  # fmt: skip


def overview(runs: Sequence[GateRun]) -> Markup:
    """All steps of all gates in a row: verdict and name, each leading to its findings."""
    groups = []
    for gate in Gate:
        newest = next((r for r in reversed(runs) if r.gate is gate), None)
        nodes = [_node(step, newest) for step in steps_of(gate)]
        groups.append(h("li", h("span", gate.value.capitalize(), class_="dim"), h("ol", nodes)))
    return h("nav", h("ol", groups, class_="overview"), aria_label="Steps of the gates")


def _node(step: Step, run: GateRun | None) -> Markup:
    word = _word(step, run)
    said = "not run" if word == "none" else word
    name = h("span", f"{step.name} {step.value}: {said}", class_="unseen")
    shown = h("span", step.name, aria_hidden="true")
    return h("li", h("a", icon(word, 20), shown, name, href=f"#step-{step.name}", title=f"{step.value}: {said}"))


def _word(step: Step, run: GateRun | None) -> str:
    mine = [f.verdict for f in run.findings if f.step is step] if run else []
    return worst(mine).value if mine else "none"


def _not_run() -> Markup:
    return h("span", icon("none"), h("span", "not run"), class_="badge none")


def _about(run: GateRun) -> Markup:
    counts = ", ".join(f"{n} {word}" for word, n in tally(run.findings).items()) or "no finding yet"
    far = f", still running: {progress_of(run).done} of {len(progress_of(run).checks)} checks done"
    ended = [" to ", moment(run.finished_at)] if run.finished_at else far
    why = (
        f" It was ended ({run.ending.kind.value}) by {run.ending.person}: {run.ending.reason}."
        if run.ending
        else ""
    )
    return h(
        "p",
        f"{QUESTIONS[run.gate]} {counts}. Run ",
        h("code", run.id),
        f" by {run.actor}, ",
        moment(run.started_at),
        ended,
        f", seed {run.seed}, playbook ",
        digest(run.playbook, 10),
        ".",
        why,
        " In the pictures: dot, what was measured; bar, its interval; dashed, the threshold.",
        class_="dim",
    )


def _past(run: GateRun) -> Markup:
    counts = ", ".join(f"{n} {word}" for word, n in tally(run.findings).items())
    return h("li", badge(run.verdict), " ", h("code", run.id), " ", moment(run.started_at), f": {counts}")


def _step(step: Step, run: GateRun | None) -> Markup:
    mine = [f for f in run.findings if f.step is step] if run else []
    word = _word(step, run)
    under_way = _under_way(step, run)
    body: Child = [*map(_finding, mine), *under_way] or h("p", _waiting(run), class_="dim")
    head = h("h3", h("span", step.name, class_="code"), f" {step.value}")
    knot = h("span", icon(word, 22), class_="knot")
    return h("li", knot, h("div", head, body, class_="step-body"), class_=f"step {word}", id=f"step-{step.name}")


def _under_way(step: Step, run: GateRun | None) -> list[Markup]:
    """The checks of a step that a running gate has not done yet: being judged since when, or waiting."""
    if run is None or run.verdict is not None:
        return []
    shown = []
    for check in progress_of(run).checks:
        name = check.key.partition(":")[2]
        if not check.key.startswith(f"{step.name}:") or check.status is CheckStatus.DONE or name == "*":
            continue
        now = check.status is CheckStatus.RUNNING and check.started_at is not None
        since: Child = (
            ["being judged since ", moment(check.started_at)] if now and check.started_at else ["waiting"]
        )
        mark = icon("running" if now else "none", 16)
        shown.append(h("p", mark, " ", h("b", name), " ", since, class_="dim", data_status=check.status.value))
    return shown


def _waiting(run: GateRun | None) -> str:
    return "Not run yet." if run is None else "No check of this step has reported."


def _finding(found: Finding) -> Markup:
    spread = found.interval is not None or found.statistic != found.threshold
    tone = TONES.get(found.verdict, "")
    plot = bullet(found.statistic, found.interval, found.threshold, found.unit, tone) if spread else None
    held = h("p", "Still holds from ", h("code", found.reused_from), class_="dim") if found.reused_from else None
    waived = h("p", icon("none", 16), h("b", "Waived: "), found.waived, class_="waiver") if found.waived else None
    inside = details(found.details)
    return h(
        "article",
        h(
            "div",
            h("p", badge(found.verdict), " ", h("b", found.check), class_="finding-head"),
            h("p", found.message),
            held,
            waived,
            _numbers(found),
            class_="said",
        ),
        h("div", plot, class_="plot-cell") if plot else None,
        more("Details", inside) if inside else None,
        class_=f"finding {found.verdict.value}",
        aria_label=f"{found.step.name} {found.check}: {found.verdict.value}",
    )


def _numbers(found: Finding) -> Markup | None:
    parts: list[str] = []
    if found.statistic is not None:
        parts.append(number(found.statistic, found.unit))
    if found.interval is not None:
        parts.append(between(found.interval))
    if found.threshold is not None:
        parts.append(f"threshold {number(found.threshold)}")
    if found.rows:
        parts.append(f"{found.rows:,} rows")
    if found.defect is not None:
        parts.append(f"defect: {found.defect.value.replace('-', ' ')}")
    if found.reasons:
        parts.append("reasons: " + ", ".join(found.reasons[:8]))
    return h("p", " · ".join(parts), class_="numbers") if parts else None


def details(known: Mapping[str, Any]) -> list[Markup]:
    """A finding's details: known shapes as pictures, lists as tables, the rest as names and values."""
    shown: list[Markup] = []
    plain: list[Markup] = []
    for name, value in known.items():
        title = _title(name)
        if _is_calibration(value):
            shown.append(
                h("figure", calibration(value), h("figcaption", "Observed rate against mean score, dashed: ideal"))
            )
            shown.append(more("As a table", _rows(title, value)))
        elif _is_rows(value):
            shown.append(_rows(title, value))
        elif isinstance(value, Mapping) and value:
            shown.append(_mapping(title, value))
        else:
            plain.append(h("div", h("dt", title), h("dd", _cell(value))))
    return ([h("dl", plain, class_="facts")] if plain else []) + shown


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(r, Mapping) for r in value)


def _is_calibration(value: Any) -> bool:
    return _is_rows(value) and {"mean_score", "rate", "low", "high", "n"} <= set(value[0])


def _rows(title: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    shown = rows[:MAX_ROWS]
    columns = list(dict.fromkeys(key for row in shown for key in row))
    centre = next((c for c in CENTRES if c in columns), None) if {"low", "high"} <= set(columns) else None
    kept = [c for c in columns if centre is None or c not in ("low", "high")]
    most = {c: max((abs(row[c]) for row in shown if _is_number(row.get(c))), default=0.0) for c in BARS}
    body: list[list[Child]] = [[_column(name, row, most.get(name, 0.0)) for name in kept] for row in shown]
    if centre is not None:
        shared = _shared(shown, centre)
        body = [[*cells, _interval(row, centre, shared)] for cells, row in zip(body, shown, strict=True)]
    cut = f" (first {MAX_ROWS} of {len(rows)})" if len(rows) > MAX_ROWS else ""
    names = [*[_title(c) for c in kept], *(["Interval"] if centre is not None else [])]
    return table(f"{title}{cut}", names, body, "details")


def _shared(rows: Sequence[Mapping[str, Any]], centre: str) -> tuple[float, float] | None:
    """Ends that all rows' pictures share; None when the rows are of different units."""
    if any("unit" in row for row in rows):
        return None
    known = [float(row[c]) for row in rows for c in ("low", "high", centre) if _is_number(row.get(c))]
    known += [_limit(row, centre) for row in rows]
    return (min(known), max(known)) if known else None


def _limit(row: Mapping[str, Any], centre: str) -> float:
    """What the row's value is held against: its own bound, chance for an AUC, else no difference."""
    own = row.get("bound", row.get("demanded"))
    return float(str(own)) if _is_number(own) else 0.5 if centre == "auc" else 0.0


def _interval(row: Mapping[str, Any], centre: str, shared: tuple[float, float] | None) -> Child:
    low, high, value = row.get("low"), row.get("high"), row.get(centre)
    if not all(_is_number(v) for v in (low, high, value)):
        return "not measured"
    ends = Interval(float(str(low)), float(str(high)))
    said = _title(centre)
    return bullet(float(str(value)), ends, _limit(row, centre), said, scale_of=shared)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _column(name: str, row: Mapping[str, Any], most: float) -> Child:
    if name not in row:
        return ""
    value = row[name]
    if name == "verdict" and isinstance(value, str):
        return badge(value)
    if most > 0 and _is_number(value):
        return [bar(abs(value) / most), f" {number(value)}"]
    return _cell(value)


def _mapping(title: str, value: Mapping[str, Any]) -> Markup:
    if all(isinstance(v, Mapping) for v in value.values()):
        return _rows(title, [{"name": k, **v} for k, v in value.items()])
    return table(
        title, ("Name", "Value"), [[str(k), _cell(v)] for k, v in list(value.items())[:MAX_ROWS]], "details"
    )


def _cell(value: Any) -> Child:
    if value is None:
        return "not measured"
    if isinstance(value, Mapping) and not value:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(float(value))
    if isinstance(value, list):
        shown = ", ".join(_text(v) for v in value[:12])
        return (shown + (f" and {len(value) - 12} more" if len(value) > 12 else "")) or "none"
    return _text(value) or "none"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def _title(name: str) -> str:
    words = " ".join(WORDS.get(w, w) for w in name.replace("_", " ").split())
    return words[:1].upper() + words[1:]
