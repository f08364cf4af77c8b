"""The command line: every command, argument and option, from the commands themselves."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from scripts.pages.markdown import code, page, prose, table
from typer.main import get_command

from roadworthy.cli.exits import COULD_NOT_VERIFY, DEFECT, ERRORS, VERDICTS
from roadworthy.cli.main import EVERYWHERE
from roadworthy.cli.table import SECTIONS, Row

_INTRO = """
`roadworthy COMMAND --help` says the same in the terminal. A command sends what it was given to the platform
over HTTP and prints what came back; where no server runs on the workspace, one lives as long as the command.
"""

_KINDS = {"Path": "FILE", "float": "NUMBER", "int": "NUMBER"}
"""What stands for a value of each Python type."""


def commands_page() -> str:
    """`reference/cli.md`."""
    common = table(("option", "meaning"), [(code(name), said) for name, said in EVERYWHERE])
    parts = [_INTRO, "## Options of every command", common, "## Exit codes", _exits()]
    for section, rows in SECTIONS.items():
        parts.append(f"## {section}")
        parts += [_command(row) for row in rows]
    return page("Command line", *parts)


def options_of(command: Any) -> list[str]:
    """The options and arguments of one command that are its own."""
    shared = {flag for name, _ in EVERYWHERE for flag in name.replace(",", "").split()}
    return [p.opts[0] for p in command.params if not shared & set(p.opts) and not p.is_eager]


def _exits() -> str:
    rows: list[tuple[object, str]] = [(0, "done; a gate passed, perhaps with warnings")]
    rows += [(DEFECT, "a defect in Roadworthy itself")]
    for kind, number in ERRORS.items():
        if number != COULD_NOT_VERIFY:
            rows.append((number, f"{code(kind.code)}: {prose(kind.__doc__)}"))
    rows.append((COULD_NOT_VERIFY, "could not verify: neither right nor wrong"))
    rows += [(number, f"a gate or review is `{verdict.value}`") for verdict, number in VERDICTS.items() if number]
    return table(("code", "meaning"), rows)


def _command(row: Row) -> str:
    found: Any = get_command(import_module(f"roadworthy.cli.{row.module}").app)
    inner: dict[str, Any] = getattr(found, "commands", {})
    parts = [f"### {row.name}", row.summary]
    if not inner:
        return "\n\n".join([*parts, *_body(found, row.name)])
    parts.append(prose(found.help))
    for name, command in inner.items():
        parts += [f"#### {row.name} {name}", *_body(command, f"{row.name} {name}")]
    return "\n\n".join(parts)


def _body(command: Any, name: str) -> list[str]:
    own = [p for p in command.params if p.opts and p.opts[0] in options_of(command)]
    arguments = [p for p in own if p.param_type_name == "argument"]
    usage = " ".join(["roadworthy", name, *(_argument(p) for p in arguments), "[OPTIONS]"])
    parts = [f"```text\n{usage}\n```", prose(command.help)]
    if own:
        parts.append(table(("argument or option", "meaning", "default"), [_parameter(p) for p in own]))
    return parts


def _argument(parameter: Any) -> str:
    name = str(parameter.name).upper()
    return name if parameter.required else f"[{name}]"


def _parameter(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        return code(str(parameter.name).upper()), parameter.help or "", "required" if parameter.required else ""
    flags = "/".join([*parameter.opts, *parameter.secondary_opts])
    kind = "" if parameter.is_flag else f" {parameter.metavar or _kind(parameter)}"
    return code(flags + kind), parameter.help or "", _default(parameter)


def _kind(parameter: Any) -> str:
    annotation = str(parameter.type_descriptor.annotation)
    return next((word for name, word in _KINDS.items() if name in annotation), "TEXT")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    return "" if value in (None, "", False, ()) or value == [] else code(value)
