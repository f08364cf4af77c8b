"""`roadworthy use-case`: the business objective that models compete to serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.documents import read_document, read_point, refuse_unknown
from roadworthy.cli.files import write_new
from roadworthy.cli.handing_in.preflight import read_file
from roadworthy.cli.lookups import who_may
from roadworthy.domain.errors import AlreadyExistsError, SettingError
from roadworthy.domain.trust import Role
from roadworthy.domain.use_case import RiskTier, UseCase
from roadworthy.sdk import Road

FIELDS = (
    "id", "objective", "owner", "target", "positive_label", "risk_tier", "label_delay_days", "decision_points",
    "sensitive", "segments", "not_known_at_decision", "time_column",
)  # fmt: skip
DEFAULT_POINT = "main"


def use_case(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="2 to 63 lower-case letters, digits and '-'.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="YAML or JSON with these fields; options win over it.")
    ] = None,
    target: Annotated[str, typer.Option(help="The outcome column.")] = "",
    positive: Annotated[str, typer.Option(help="The target's value that counts as the event.")] = "",
    objective: Annotated[str, typer.Option(help="What the business wants, in a sentence.")] = "",
    owner: Annotated[str, typer.Option(help="The business owner; nobody named: the first there is.")] = "",
    *,
    tier: Annotated[str, typer.Option(help="Risk tier: low, medium or high.")] = "",
    label_delay_days: Annotated[float | None, typer.Option(help="Days until an outcome is known.")] = None,
    decision_point: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:KIND:CONSUMER", help="Where a score becomes an action; repeatable."),
    ] = None,
    sensitive: Annotated[list[str] | None, typer.Option(help="A column that names a protected group.")] = None,
    segment: Annotated[list[str] | None, typer.Option(help="A column to judge slices by.")] = None,
    not_known: Annotated[
        list[str] | None, typer.Option(help="A column not known when the decision is made (leakage).")
    ] = None,
    time_column: Annotated[str, typer.Option(help="The column that orders rows in time.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="Its first data: split here and now, before anybody sees the sealed rows.")
    ] = None,
    sealed_share: Annotated[float, typer.Option(help="With --data: the share of rows to seal.")] = 0.25,
    split_by: Annotated[
        str,
        typer.Option(help="With --data: random, or time (the latest rows); not given: time if there is a column."),
    ] = "",
    seed: Annotated[int, typer.Option(help="With --data: seed of the draw.")] = 0,
    train_to: Annotated[Path | None, typer.Option(help="With --data: write the rows to train on here.")] = None,
) -> None:
    """Register a use case from options, a file, or both; with --data, its data are split and sealed at once."""
    given: dict[str, Any] = {
        "id": name, "target": target, "positive_label": positive, "objective": objective, "owner": owner,
        "risk_tier": tier, "label_delay_days": label_delay_days, "sensitive": sensitive, "segments": segment,
        "decision_points": [read_point(p) for p in decision_point or ()], "not_known_at_decision": not_known,
        "time_column": time_column,
    }  # fmt: skip
    about = (read_document(file, FIELDS) if file else {}) | {k: v for k, v in given.items() if v}
    check_case(about)
    if data is not None:
        _refuse_early(data, train_to, str(about["target"]))
    with desk.road() as road:
        about.setdefault("owner", who_may(road, Role.BUSINESS_OWNER))
        registered = road.use_case(about.pop("id"), **about)
        if data is not None:
            rule = split_by or ("time" if registered.time_column else "random")
            _split(desk, road, registered, data, train_to, share=sealed_share, by=rule, seed=seed)
            return
    desk.answer(
        registered,
        f"Use case {registered.id}: {registered.objective}\n"
        f"  target {registered.target} = {registered.positive_label}, risk tier {registered.risk_tier.value}, "
        f"owner {registered.owner}, decision point {', '.join(p.name for p in registered.decision_points)}",
        f"Next: roadworthy register data FILE --use-case {registered.id} --split 0.25 --train-to TRAIN.csv, then "
        f"roadworthy agree {registered.id} --value EXPRESSION --unit UNIT --as {registered.owner}",
    )


def _refuse_early(data: Path, train_to: Path | None, target: str) -> None:
    """What cannot be read, or not be written afterwards, leaves no use case behind."""
    read_file(data).require([target], f"'{data.name}'")
    if train_to is not None and train_to.exists():
        raise AlreadyExistsError(f"'{train_to}' exists already", remedy="Choose another name; nothing was done.")


def _split(desk: Desk, road: Road, case: UseCase, data: Path, train_to: Path | None, **terms: Any) -> None:
    """Split and seal the first data, write the rows to train on, and say what was done."""
    done = road.split(data, case.id, **terms)
    where = ""
    if train_to is not None:
        write_new(train_to, road.download(done.train.id))
        where = f", written to {train_to}"
    desk.answer(
        {"use_case": case, "split": done},
        f"Use case {case.id}: {case.objective}",
        f"  {done.train.rows:,} rows to train on: {done.train.id}{where}",
        f"  {done.sealed.rows:,} rows sealed, handed out to nobody: {done.sealed.id} ({done.how})",
        f"Next: roadworthy agree {case.id} --value EXPRESSION --unit UNIT --as {case.owner}",
    )


def check_case(about: dict[str, Any]) -> None:
    """Refuse what the platform would refuse, in the words of the command line; fill in what has a default.

    Raises:
        SettingError: no name, target or positive label, or an unknown risk tier or decision point field.
    """
    for field, option in (("id", "NAME"), ("target", "--target"), ("positive_label", "--positive")):
        if not str(about.get(field, "")).strip():
            raise SettingError(f"the use case has no {field}", remedy=f"Give {option}.", field=field)
        about[field] = str(about[field])
    tiers = [t.value for t in RiskTier]
    if about.get("risk_tier", "medium") not in tiers:
        raise SettingError(
            f"there is no risk tier '{about['risk_tier']}'",
            remedy=f"Allowed: {', '.join(tiers)}.",
            field="risk_tier",
        )
    for point in about.get("decision_points") or ():
        for key in point if isinstance(point, dict) else (str(point),):
            refuse_unknown(str(key), ("name", "kind", "consumer"), "a decision point")
    if not about.get("decision_points"):
        about["decision_points"] = [read_point(DEFAULT_POINT)]
    about.setdefault("objective", f"predict {about['target']} = {about['positive_label']}")


app = command(use_case)
