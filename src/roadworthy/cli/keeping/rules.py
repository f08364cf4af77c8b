"""`roadworthy log`: by which rules an endpoint's decisions are kept."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.lookups import the_endpoint
from roadworthy.domain.errors import SettingError
from roadworthy.domain.storing.log import LogRules


def log(
    desk: Desk,
    endpoint: Annotated[str, typer.Argument(help="The endpoint; none: the only one.")] = "",
    *,
    sync: Annotated[
        str | None,
        typer.Option(
            help="always = on disk before it is answered; off = the system decides; '' = the workspace's."
        ),
    ] = None,
    keep_days: Annotated[
        int | None, typer.Option(min=0, help="Age in days at which decisions are removed; 0 = never.")
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=HOW", help="drop = not stored, hash = as a keyed hash, keep = as it comes."),
    ] = None,
) -> None:
    """Show how an endpoint's decisions are kept, or change what is named; the rest stays as it is."""
    with desk.road() as road:
        name = the_endpoint(road, endpoint).id
        rules = road.ask("GET", f"/endpoints/{name}/log", LogRules)
        if not (sync is None and keep_days is None and not redact):
            changed = LogRules(
                rules.sync if sync is None else sync,
                rules.keep_days if keep_days is None else keep_days,
                _redacted(rules, redact or []),
            )
            rules = road.ask("PUT", f"/endpoints/{name}/log", LogRules, msgspec.to_builtins(changed))
    hidden = ", ".join(f"{column} ({how})" for column, how in rules.redact.items())
    desk.answer(
        {"endpoint": name, "rules": rules},
        f"{name}: sync {rules.sync or 'as the workspace says'}; "
        f"kept {f'{rules.keep_days} days' if rules.keep_days else 'for ever'}; redacted: {hidden or 'nothing'}.",
    )


def _redacted(rules: LogRules, said: list[str]) -> dict[str, str]:
    """The columns to redact when `said` is applied. Raises SettingError."""
    columns = dict(rules.redact)
    for one in said:
        column, _, how = one.rpartition("=")
        if not column:
            raise SettingError(f"'{one}' redacts nothing", remedy="Write COLUMN=drop, COLUMN=hash or COLUMN=keep.")
        columns[column] = how
    return {column: how for column, how in columns.items() if how != "keep"}


app = command(log)
