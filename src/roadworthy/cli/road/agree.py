"""`roadworthy agree`: the business owner says what counts as success, and signs it before results exist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.documents import read_document, read_limit, refuse_unknown
from roadworthy.cli.lookups import use_case_named
from roadworthy.cli.marks import number
from roadworthy.domain.errors import SettingError
from roadworthy.domain.use_case import KpiContract

FIELDS = (
    "unit", "value", "target", "holdout_share", "holdout_acts", "guardrails", "unintended", "label_delay_days", "why",
)  # fmt: skip
LIMIT_FIELDS = ("name", "expression", "bound", "limit", "unit")


def agree(
    desk: Desk,
    use_case: Annotated[str, typer.Argument(help="The use case.")],
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="YAML or JSON with these fields; options win over it.")
    ] = None,
    value: Annotated[
        str,
        typer.Option(help="Money per decision, in SQL: CASE WHEN acted THEN 80 * outcome - 5 ELSE 0 END"),
    ] = "",
    unit: Annotated[str, typer.Option(help="The unit of the value, for example EUR.")] = "",
    target: Annotated[
        float | None, typer.Option(help="Smallest mean value above what the hold-out policy earns (default 0).")
    ] = None,
    holdout_share: Annotated[
        float | None, typer.Option(help="Share 0..0.5 of units decided without the model (default 0.05).")
    ] = None,
    *,
    holdout_acts: Annotated[
        bool | None, typer.Option("--holdout-acts/--holdout-waits", help="What happens to units of the hold-out.")
    ] = None,
    guardrail: Annotated[
        list[str] | None, typer.Option(metavar="'NAME: EXPR <= LIMIT UNIT'", help="A limit to keep; repeatable.")
    ] = None,
    unintended: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: EXPR <= LIMIT UNIT'", help="An outcome nobody wants; repeatable."),
    ] = None,
    label_delay_days: Annotated[
        float | None, typer.Option(help="Days until an outcome is known; not given: as the use case says.")
    ] = None,
    why: Annotated[
        str, typer.Option(help="Why the contract changes; every revision after the first needs it.")
    ] = "",
) -> None:
    """Agree and sign the KPI contract of a use case. Columns: score, acted, outcome, held_out, and every input."""
    given: dict[str, Any] = {
        "unit": unit or None,
        "value": value or None,
        "target": target,
        "holdout_share": holdout_share,
        "holdout_acts": holdout_acts,
        "guardrails": [read_limit(x) for x in guardrail] if guardrail else None,
        "unintended": [read_limit(x) for x in unintended] if unintended else None,
        "label_delay_days": label_delay_days,
        "why": why or None,
    }
    terms = (read_document(file, FIELDS) if file else {}) | {k: v for k, v in given.items() if v is not None}
    check_terms(terms)
    with desk.road() as road:
        use_case_named(road, use_case)
        contract = road.agree(use_case, **terms)
        again = road.contract(use_case)["validate_again"]
    desk.answer(
        contract,
        _shown(contract),
        *(f"Changed: {c.term}: {c.old} -> {c.new}" for c in contract.changes),
        *(f"To be validated again: {version}, judged under {under}." for version, under in again.items()),
        f"Signed as revision {contract.revision}: {contract.id}.",
    )


def check_terms(terms: dict[str, Any]) -> None:
    """Fill in defaults and refuse unknown keys of limits.

    Raises:
        SettingError: no value or no unit, or an unknown key.
    """
    for field in ("value", "unit"):
        if not str(terms.get(field, "")).strip():
            raise SettingError(
                f"the contract has no {field}", remedy=f"Give --{field}, or a file with it.", field=field
            )
    for name in ("guardrails", "unintended"):
        for limit in terms.get(name) or ():
            if not isinstance(limit, dict):
                raise SettingError(
                    f"'{limit}' in {name} holds no fields", remedy=f"Allowed: {', '.join(LIMIT_FIELDS)}."
                )
            for key in limit:
                refuse_unknown(str(key), LIMIT_FIELDS, f"a limit in {name}")
    terms.setdefault("target", 0.0)
    terms.setdefault("holdout_share", 0.05)
    terms.setdefault("holdout_acts", False)


def _shown(contract: KpiContract) -> Table:
    table = Table("what", "expression", "limit", title=f"KPI contract of {contract.use_case}")
    target = f">= {number(contract.target, contract.unit)} above the hold-out"
    table.add_row("value", contract.value, target)
    for kind, limits in (("guardrail", contract.guardrails), ("unintended", contract.unintended)):
        for limit in limits:
            sign = "<=" if limit.bound.value == "at-most" else ">="
            table.add_row(f"{kind}: {limit.name}", limit.expression, f"{sign} {number(limit.limit, limit.unit)}")
    acts = "acts" if contract.holdout_acts else "does not act"
    if contract.label_delay_days is not None:
        table.add_row("outcome known", f"{contract.label_delay_days:g} days after the decision", "")
    table.add_row("hold-out", f"{contract.holdout_share:.1%} of units at random; it {acts}", "")
    return table


app = command(agree)
