"""`roadworthy`: finds the command in the table, loads only its module, and turns every error into one sentence."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException
from typer.main import get_command

from roadworthy import __version__
from roadworthy.cli.exits import DEFECT, document_of, exit_of
from roadworthy.cli.table import COMMANDS, SECTIONS
from roadworthy.domain.errors import InputError, RoadworthyError

NAME = "roadworthy"
EVERYWHERE = (
    ("-w, --workspace DIR", "The folder that holds everything; else $ROADWORTHY_WORKSPACE, else '.'."),
    ("--as PERSON", "Who is acting; else $ROADWORTHY_ACTOR, else the administrator."),
    ("--json", "One JSON document on stdout, nothing else there."),
    ("--debug", "Show the traceback of an error."),
)
"""Options of every command, for the help page; `desk.py` has the real ones."""

_TAKES_VALUE = {"-w": True, "--workspace": True, "--as": True, "--json": False, "--debug": False}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are used, not when they are listed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        """The names in the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is Typer's
        """The command, its module loaded now.

        Raises:
            InputError: there is no such command; names the nearest.
        """
        row = COMMANDS.get(cmd_name)
        if row is None:
            near = get_close_matches(cmd_name, COMMANDS, 1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            raise InputError(
                f"there is no command '{cmd_name}'", remedy=f"{hint}`{NAME} --help` lists all of them."
            )
        found = get_command(import_module(f"roadworthy.cli.{row.module}").app)
        found.name = row.name
        return found

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help page, from the table alone."""
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(self.help or "")
        for section, rows in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(row.name, row.summary) for row in rows])
        with formatter.section("Options of every command"):
            formatter.write_dl(EVERYWHERE)
        formatter.write_paragraph()
        formatter.write_text(
            f"`{NAME} COMMAND --help` says more. Start with `{NAME} init`, or watch `{NAME} demo`."
        )


app = typer.Typer(cls=LazyGroup, name=NAME, add_completion=False, no_args_is_help=True, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def roadworthy(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    """From a trained model to one that earns money in production, and provably still does."""


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code and never raises."""
    as_json, debug = "--json" in arguments, "--debug" in arguments
    try:
        answer = get_command(app).main(args=_hoisted(arguments), prog_name=NAME, standalone_mode=False)
    except RoadworthyError as problem:
        if debug:
            traceback.print_exc()
        document = document_of(problem.code, problem.what, problem.remedy, problem.fields)
        return _refuse(document, as_json, exit_of(problem))
    except TyperException as problem:
        return _refuse(_usage(problem), as_json, int(getattr(problem, "exit_code", 2)))
    except Abort:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DEFECT
    except Exception as problem:  # noqa: BLE001 - the last line of defence: a sentence, not a traceback
        if debug:
            traceback.print_exc()
        what = f"an unexpected {type(problem).__name__}: {str(problem)[:300]}"
        document = document_of("defect", what, "This is a defect in Roadworthy; --debug shows where.")
        return _refuse(document, as_json, DEFECT)
    return answer if isinstance(answer, int) else 0


def main() -> None:
    """The entry point of the installed command."""
    sys.exit(run(sys.argv[1:]))


def _hoisted(arguments: Sequence[str]) -> list[str]:
    """Options of every command may also stand before the command: they go to its end."""
    rest, leading = list(arguments), list[str]()
    while len(rest) > 1 and rest[0].partition("=")[0] in _TAKES_VALUE:
        leading.append(rest.pop(0))
        if _TAKES_VALUE.get(leading[-1]):
            leading.append(rest.pop(0))
    return rest + leading


def _usage(problem: TyperException) -> dict[str, Any]:
    context = getattr(problem, "ctx", None)
    path = context.command_path if context else NAME
    said = problem.format_message().strip() or "the command line is incomplete"
    return document_of("usage", said, f"`{path} --help` shows what it takes.")


def _refuse(document: dict[str, Any], as_json: bool, code: int) -> int:
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        error = document["error"]
        sys.stderr.write(f"Error: {error['what'].rstrip('.')}. {error['remedy']}\n")
    return code
