"""What every command has at hand: the workspace, who is acting, and where output goes.

`command(function)` makes a Typer command of a function whose first parameter is a `Desk`; the options of every
command are added here, once. The function's return value, if any, is the exit code.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console, RenderableType
from typer.core import TyperGroup

import roadworthy as rw  # loads its parts at first use: a command that needs no workspace starts without them
from roadworthy.cli.access.credentials import read_credentials
from roadworthy.cli.files import require_workspace
from roadworthy.domain.storing.query import Page

if TYPE_CHECKING:
    from roadworthy.sdk import Road

PIPED_WIDTH = 120
"""Columns when the output is no terminal."""

Command = Callable[..., int | None]


@dataclass(frozen=True)
class Desk:
    """The options of every command, and its two outputs."""

    workspace: Path
    actor: str = ""
    as_json: bool = False
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))

    @contextmanager
    def road(self) -> Iterator[Road]:
        """The platform, as the person acting: at the address in the environment, else of the workspace.

        Raises:
            NotFoundError: the folder is no workspace.
            SettingError: credentials in the environment that cannot be used.
        """
        credentials = read_credentials()
        if credentials.url:
            with rw.connect(credentials.url, credentials.token, self.actor) as road:
                yield road
            return
        require_workspace(self.workspace)
        with rw.open(self.workspace, self.actor, token=credentials.token) as road:
            yield road

    def answer(self, document: object, *shown: RenderableType) -> None:
        """The command's result: the document with --json, else what is shown."""
        if self.as_json:
            text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
            sys.stdout.write(text + "\n")
            return
        for part in shown:
            self.out.print(part)

    def note(self, *parts: RenderableType) -> None:
        """Progress and remarks, on stderr."""
        for part in parts:
            self.err.print(part, soft_wrap=True)


def turned(page: Page[Any]) -> str:
    """How much of a list is shown, and how to see what follows."""
    rest = f" Next page: --cursor {page.next}" if page.next else ""
    return f"{len(page.items):,} of {page.total:,} shown.{rest}"


def _console(stream: Any) -> Console:
    return Console(
        file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False, markup=False, emoji=False
    )


_PANEL = "Every command"
_EVERYWHERE: dict[str, tuple[Any, Any]] = {
    "workspace": (
        Annotated[
            Path,
            typer.Option(
                "--workspace",
                "-w",
                envvar="ROADWORTHY_WORKSPACE",
                help="The folder that holds everything.",
                rich_help_panel=_PANEL,
            ),
        ],
        Path(),
    ),
    "actor": (
        Annotated[
            str,
            typer.Option(
                "--as",
                envvar="ROADWORTHY_ACTOR",
                metavar="PERSON",
                help="Who is acting; nobody named: the administrator.",
                rich_help_panel=_PANEL,
            ),
        ],
        "",
    ),
    "as_json": (
        Annotated[bool, typer.Option("--json", help="One JSON document on stdout.", rich_help_panel=_PANEL)],
        False,
    ),
    "debug": (
        Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=_PANEL)],
        False,
    ),
}


def at_desk(function: Command) -> Callable[..., int | None]:
    """The function as Typer wants it: without its desk, with the options of every command."""
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "desk"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _EVERYWHERE.items()
    ]

    def call(**given: Any) -> int | None:
        given.pop("debug")
        desk = Desk(given.pop("workspace"), given.pop("actor"), given.pop("as_json"))
        return function(desk, **given)

    named = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    call.__signature__ = inspect.Signature([*named, *shared])  # type: ignore[attr-defined] # read by inspect
    call.__annotations__ = {p.name: p.annotation for p in [*named, *shared]}
    call.__doc__ = function.__doc__
    call.__name__ = function.__name__
    return call


def command(function: Command) -> typer.Typer:
    """A module's `app` of one command."""
    app = typer.Typer(add_completion=False)
    app.command()(at_desk(function))
    return app


def commands(default: str, help_text: str, **functions: Command) -> typer.Typer:
    """A module's `app` of several subcommands; what names none of them goes to `default`."""
    app = typer.Typer(add_completion=False, cls=_with_default(default), help=help_text)
    for name, function in functions.items():
        app.command(name)(at_desk(function))
    return app


def _with_default(default: str) -> type[TyperGroup]:
    class DefaultGroup(TyperGroup):
        """A group in which the first word may be left out."""

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Put the default subcommand first when none is named."""
            if not args or (args[0] not in self.commands and args[0] != "--help"):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return DefaultGroup
