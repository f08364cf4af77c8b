"""Runs what the documentation tells its readers to run, in a folder of its own.

Fenced blocks are run in the order of their page: `bash` and `console` line by line (`console` only where a line begins
with `$ `), `python` as one program per block with the page's names. A line or block with `# not run` is left out,
`# exit 5` says which exit code the reader will see, `<!-- file: NAME -->` before a block makes it that file.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roadworthy.apps.background import BackgroundServer
from roadworthy.apps.control import open_control
from roadworthy.apps.embedded import running_server
from roadworthy.apps.settings import read_settings
from roadworthy.cli.main import run
from roadworthy.cli.processes.places import announced

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n+)?^```(?P<lang>\w*)[^\n]*\n(?P<body>.*?)^```$", re.M | re.S)
EXIT = re.compile(r"#\s*exit (\d+)")
NOT_RUN = "# not run"
SHOWN_URL = "http://127.0.0.1:8100"
"""The address in the pages; a running server's own is put in its place."""


@dataclass(frozen=True)
class Snippet:
    """One fenced block of a page."""

    page: str
    line: int
    lang: str
    body: str
    file: str = ""

    @property
    def lines(self) -> list[str]:
        """Its command lines, continuation lines joined."""
        given = self.body.replace("\\\n", " ").splitlines()
        if any(line.startswith("$ ") for line in given):
            given = [line[2:] for line in given if line.startswith("$ ")]
        return [line for line in given if line.strip() and not line.startswith("#") and NOT_RUN not in line]


@dataclass
class Reader:
    """Somebody who follows the pages, in `folder`.

    With a second terminal the workspace's server runs there, which spares each command the second it needs to start
    and stop one of its own.
    """

    folder: Path
    second_terminal: bool = False
    names: dict[str, Any] = field(default_factory=dict)
    terminal: ExitStack = field(default_factory=ExitStack)

    def follow(self, page: Path) -> None:
        """Do everything the page says."""
        self.names = {}
        for snippet in snippets(page):
            if snippet.file:
                (self.folder / snippet.file).write_text(snippet.body)
            elif snippet.lang in ("bash", "console"):
                for line in snippet.lines:
                    self.type(line, f"{snippet.page}:{snippet.line}")
            elif snippet.lang == "python" and NOT_RUN not in snippet.body:
                source = self.here(snippet.body)
                exec(compile(source, f"{snippet.page}:{snippet.line}", "exec"), self.names)  # noqa: S102

    def type(self, line: str, where: str) -> None:
        """One command line, with the exit code it promises."""
        wanted = int(found[1]) if (found := EXIT.search(line)) else 0
        words = shlex.split(self.here(line), comments=True)
        assert self.carry_out(words) == wanted, f"{where}: `{line}`"

    def carry_out(self, words: list[str]) -> int:
        """Run the command; `roadworthy` in this process, which is what the installed command does in its own."""
        if words[:2] == ["roadworthy", "up"]:
            return 0 if running_server(self.folder) else 1
        if words[0] == "roadworthy":
            code = run(words[1:])
            if words[1] == "init" and self.second_terminal:
                self.serve()
            return code
        if words[0] == "python":
            return play(words[1:])
        assert words[0] == "curl", f"the reader's shell has no {words[0]}: mark the line '{NOT_RUN}'"
        return subprocess.run(words, check=False, timeout=60).returncode

    def serve(self) -> None:
        """The second terminal: what `roadworthy up` runs, in this process and on a free port."""
        control = self.terminal.enter_context(open_control(read_settings(self.folder)))
        server = self.terminal.enter_context(BackgroundServer(control.app))
        self.terminal.enter_context(announced(self.folder, server.url))

    def here(self, text: str) -> str:
        """The text with the address of the reader's own server."""
        return text.replace(SHOWN_URL, running_server(self.folder) or SHOWN_URL) if SHOWN_URL in text else text


def play(words: list[str]) -> int:
    """`python FILE ...`, without the seconds a new process needs to import scikit-learn."""
    before, sys.argv = sys.argv, words
    try:
        runpy.run_path(words[0], run_name="__main__")
    finally:
        sys.argv = before
    return 0


def snippets(page: Path) -> list[Snippet]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    return [
        Snippet(name, text.count("\n", 0, m.start()) + 1, m["lang"], m["body"], m["file"] or "")
        for m in FENCE.finditer(text)
    ]


def reader_in(folder: Path, *, second_terminal: bool) -> Iterator[Reader]:
    """A reader with the example files, working in `folder`."""
    for path in (ROOT / "docs" / "example").glob("*.py"):
        shutil.copy(path, folder)
    before = Path.cwd()
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("ROADWORTHY_")}
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    reader = Reader(folder, second_terminal)
    try:
        yield reader
    finally:
        reader.terminal.close()
        sys.path.remove(str(folder))
        os.chdir(before)
        os.environ.update(kept)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader of one page, beginning with nothing."""
    yield from reader_in(tmp_path, second_terminal=False)


@pytest.fixture(scope="module")
def tutorial_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has been through the tutorial: the guides go on where it ends."""
    for found in reader_in(tmp_path_factory.mktemp("tutorial"), second_terminal=True):
        found.follow(ROOT / "docs" / "tutorial.md")
        yield found


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Every page of the documentation by its path below the repository, with its text."""
    found = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in found}
