"""`roadworthy policy`: who may do what, why, and putting other rules in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from roadworthy.cli.desk import Desk, commands
from roadworthy.domain.errors import DataError
from roadworthy.domain.trust import PolicyRevision

DIFFERS = 1
"""Exit code of `policy test` when an expectation is not met."""

File = Annotated[Path, typer.Argument(help="A Cedar policy file.")]


def show(desk: Desk) -> None:
    """Print the rules in force."""
    with desk.road() as road:
        found = road.ask("GET", "/policy", dict[str, Any])
    desk.answer(found, f"// in force: {found['source']}\n{found['text']}")


def put(
    desk: Desk, file: File, reason: Annotated[str, typer.Option(help="Why; it goes into the change record.")] = ""
) -> None:
    """Put a policy file in force. When it is refused, the old rules stay."""
    body = {"text": _read(file), "source": file.name, "reason": reason}
    with desk.road() as road:
        revision = road.ask("PUT", "/policy", PolicyRevision, body)
    desk.answer(revision, f"{revision.source} is in force ({revision.id}, digest {revision.digest[:16]}).")


def check(desk: Desk, file: File) -> None:
    """Say whether a policy file could be put in force; changes nothing."""
    with desk.road() as road:
        found = road.ask("POST", "/policy/check", dict[str, Any], {"text": _read(file), "source": file.name})
    desk.answer(found, f"{file.name} could be put in force.")


def try_out(
    desk: Desk,
    expectations: Annotated[
        Path | None, typer.Argument(help="Lines: PERSON ACTION [OBJECT] -> allow|deny [because RULE].")
    ] = None,
    *,
    candidate: Annotated[
        Path | None, typer.Option(help="Hold the expectations against this policy file instead.")
    ] = None,
    who: Annotated[str, typer.Option(help="One person to ask for, with --action.")] = "",
    action: Annotated[str, typer.Option(help="Ask for one action.")] = "",
    about: Annotated[str, typer.Option(help="A version, use case or endpoint it is about.")] = "",
) -> int:
    """Show who may do what: the matrix, one question, or a file of expectations (exit code 1 when one differs)."""
    if expectations is None:
        _asked(desk, who, action, about)
        return 0
    body: dict[str, Any] = {"expectations": _read(expectations)}
    if candidate is not None:
        body |= {"candidate": _read(candidate), "source": candidate.name}
    with desk.road() as road:
        found = road.ask("POST", "/policy/trial", dict[str, Any], body)
    desk.answer(found, *(_line(one) for one in found["met"]))
    return 0 if found["holds"] else DIFFERS


def _asked(desk: Desk, who: str, action: str, about: str) -> None:
    with desk.road() as road:
        if not who:
            found = road.ask("GET", "/policy/matrix", dict[str, Any])
            desk.answer(found, _matrix(found))
            return
        found = road.ask("GET", "/policy/ruling", dict[str, Any], person=who, action=action, about=about)
        desk.answer(found, f"{who} {action} {about or '-'} -> {_said(found['ruling'])}")


def _matrix(found: dict[str, Any]) -> Table:
    rows: dict[str, dict[str, bool]] = found["matrix"]
    roles = list(next(iter(rows.values()), {}))
    table = Table("action", *roles, title=f"Who may do what: {found['source']}")
    for action, may in rows.items():
        table.add_row(action, *("yes" if may[role] else "" for role in roles))
    return table


def _line(met: dict[str, Any]) -> str:
    expected = met["expected"]
    asked = f"{expected['person']} {expected['action']} {expected['about'] or '-'}"
    if met["holds"]:
        return f"as expected  line {expected['line']}: {asked} -> {_said(met['ruling'])}"
    wanted = "allow" if expected["allowed"] else "deny"
    because = f" because {expected['because']}" if expected["because"] else ""
    return f"DIFFERS      line {expected['line']}: {asked} -> {_said(met['ruling'])}, expected {wanted}{because}"


def _said(ruling: dict[str, Any]) -> str:
    return f"{'allow' if ruling['allowed'] else 'deny'} because {', '.join(ruling['because'])}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(
            f"'{path}' cannot be read as text: {problem}", remedy="Check the path.", file=str(path)
        ) from problem


app = commands("show", "Show, check, set or try the access policy.", show=show, set=put, check=check, test=try_out)
