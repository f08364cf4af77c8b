"""What the reviews of an endpoint found: drift by column, ordering, business, and a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.domain.documents.numbers import number
from roadworthy.domain.review import ReviewRun, Signal, SignalKind
from roadworthy.domain.serving import Decision, DecisionStatus
from roadworthy.web.ui.charts import HELD, SERIES, Pair, lines
from roadworthy.web.ui.layout import Block, Chart, Text
from roadworthy.web.ui.markup import Child, Markup, h
from roadworthy.web.ui.words import badge, card, command, count, day, empty, icon, moment, more, percent, table

MAX_REVIEWS = 24
"""Newest reviews in tables and charts."""

MAX_FAILURES = 20

DRIFT = (SignalKind.DATA_DRIFT, SignalKind.SCORE_DRIFT)


def review_blocks(endpoint: str, reviews: Sequence[ReviewRun]) -> list[Block]:
    """What every review concluded, and how far each column has drifted."""
    if not reviews:
        how = ("When outcomes have been reported: ", command("review", endpoint), ".")
        return [Text("reviews", card("Reviews", empty("No review yet.", *how), name="reviews"))]
    newest = reviews[-MAX_REVIEWS:]
    return [Text("timeline", _timeline(newest)), Text("drift", _drift(newest))]


def review_charts(reviews: Sequence[ReviewRun]) -> list[Block]:
    """How well the score orders outcomes, and how the business went, review by review."""
    newest = reviews[-MAX_REVIEWS:]
    return [chart for chart in (_auc(newest), _business(newest)) if chart is not None]


def _label(review: ReviewRun) -> str:
    return day(review.until)


def _find(review: ReviewRun, subject: str, *kinds: SignalKind) -> Signal | None:
    return next((s for s in review.signals if s.subject == subject and s.kind in kinds), None)


def _auc(reviews: Sequence[ReviewRun]) -> Chart | None:
    found = [_find(r, "auc", SignalKind.MATHEMATICAL_DRIFT) for r in reviews]
    values = [s.statistic if s else None for s in found]
    pairs: list[Pair | None] = [(s.interval.low, s.interval.high) if s and s.interval else None for s in found]
    known = [(r, s) for r, s in zip(reviews, found, strict=True) if s and s.statistic is not None]
    if not known:
        return None
    reference = next((s.details.get("reference_auc") for _, s in reversed(known)), None)
    marks = [("chance: 0.5", 0.5)]
    if isinstance(reference, float):
        marks.append((f"when validated: {reference:.2f}", reference))
    (review, last), missing = known[-1], len(reviews) - len(known)
    says = (
        f"AUC of realised outcomes per review, band: 95 % interval. Newest ({_label(review)}): {last.message}."
        + (f" {count(missing, 'review')} had too few outcomes to measure it." if missing else "")
    )
    options = lines([_label(r) for r in reviews], [("AUC", values, SERIES[0])], bands=[("AUC", pairs, SERIES[0])],
                    marks=marks)  # fmt: skip
    return Chart("auc", "AUC per review", says, options)


def _business(reviews: Sequence[ReviewRun]) -> Chart | None:
    everybody = [_after(_find(r, "base rate", SignalKind.BUSINESS_DRIFT)) for r in reviews]
    held = [_after(_find(r, "hold-out base rate", SignalKind.BUSINESS_DRIFT)) for r in reviews]
    if not any(v is not None for v in everybody):
        return None
    last = next(v for v in reversed(everybody) if v is not None)
    says = (
        f"Share of decided units with the event, per review; the hold-out never saw the model, so what both do "
        f"together is not the model's doing. Newest: {percent(last, 1)} of all units."
    )
    series = [("all units", everybody, SERIES[0]), ("hold-out", held, HELD)]
    options = lines([_label(r) for r in reviews], series, as_percent=True)
    return Chart("business", "Conversion and hold-out per review", says, options)


def _after(signal: Signal | None) -> float | None:
    value = signal.details.get("after") if signal else None
    return float(value) if isinstance(value, int | float) else None


def _timeline(reviews: Sequence[ReviewRun]) -> Markup:
    items = [
        h(
            "li",
            h("span", icon(r.verdict.value, 20), class_="knot"),
            h(
                "div",
                h("p", badge(r.verdict), " ", h("b", f"{day(r.since)} to {day(r.until)}"),
                  h("span", f", {r.version}, {r.decisions:,} decisions, {r.outcomes:,} outcomes", class_="dim")),
                h("p", r.conclusion),
                _money(r),
                more(f"{count(len(r.signals), 'signal')}", _signals(r)),
                class_="step-body",
            ),
            class_=f"step {r.verdict.value}",
        )
        for r in reversed(reviews)
    ]  # fmt: skip
    return card("Reviews, newest first", h("ol", items, class_="steps timeline"), name="reviews")


def _money(review: ReviewRun) -> Markup | None:
    said = [s.message for s in review.signals if s.kind is SignalKind.VALUE]
    return h("ul", [h("li", f"{x[:1].upper()}{x[1:]}.") for x in said], class_="dim") if said else None


def _signals(review: ReviewRun) -> Markup:
    rows: list[list[Child]] = [
        [f"{s.monitor}: {s.subject}", badge(s.verdict), s.message, number(s.statistic, s.unit), number(s.threshold)]
        for s in review.signals
    ]
    return table("Signals of this review", ("Monitor", "Verdict", "What it saw", "Measured", "Threshold"), rows)


def _drift(reviews: Sequence[ReviewRun]) -> Markup:
    subjects = list(dict.fromkeys(s.subject for r in reviews for s in r.signals if s.kind in DRIFT))
    if not subjects:
        return card("Drift per review", empty("No review has compared distributions yet."), name="drift")
    reach = {
        x: max((s.statistic or 0.0 for r in reviews if (s := _find(r, x, *DRIFT))), default=0.0) for x in subjects
    }
    rows: list[list[Child]] = [
        [subject, *[_cell(_find(r, subject, *DRIFT)) for r in reviews]]
        for subject in sorted(subjects, key=lambda x: -reach[x])
    ]
    note = h("p", "Jensen-Shannon distance to the data the version was judged on, 0 alike to 1 apart; each cell "
             "says its verdict by shape. A column drifts only when the distance is large and not chance.",
             class_="dim")  # fmt: skip
    grid = table("Distance per column and review", ("Column", *[_label(r) for r in reviews]), rows, "heat")
    return card("Drift per review", note, grid, name="drift")


def _cell(signal: Signal | None) -> Child:
    if signal is None:
        return h("span", "none", class_="dim")
    word = signal.verdict.value
    shown = "too few" if signal.statistic is None else f"{signal.statistic:.2f}"
    read_out = h("span", f" {word}", class_="unseen")
    return h("span", icon(word, 14), f" {shown}", read_out, class_=f"heat-cell {word}", title=signal.message)


def failures(decisions: Sequence[Decision], reviews: Sequence[ReviewRun]) -> Markup:
    """Requests the model could not answer: how many, and the newest with their reason."""
    failed = [d for d in decisions if d.status is DecisionStatus.FAILED]
    judged = [s for r in reviews[-1:] for s in r.signals if s.kind is SignalKind.SERVING]
    lead = [h("p", badge(s.verdict), " ", f"Newest review: {s.message}.") for s in judged]
    if not failed:
        said = (
            f"No request failed among the {count(len(decisions), 'decision')} looked at."
            if decisions
            else "No request yet."
        )
        return card("Failures", lead, empty(said), name="failures")
    rows: list[list[Child]] = [
        [d.request_id, moment(d.at), d.arm, h("span", d.error or "no reason recorded", class_="summary")]
        for d in failed[-MAX_FAILURES:][::-1]
    ]
    share = percent(len(failed) / len(decisions), 2)
    total = h("p", f"{count(len(failed), 'request')} of {len(decisions):,} looked at failed ({share}).")
    shown = table(f"Newest failures, at most {MAX_FAILURES}", ("Request", "When", "Arm", "Why"), rows)
    how = h("p", "Follow one from request to money: ", command("trace REQUEST"), class_="dim")
    return card("Failures", lead, total, shown, how, name="failures")
