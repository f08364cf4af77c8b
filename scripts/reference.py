"""Writes the generated pages of `docs/` from the code, or proves that the committed ones are current.

    python scripts/reference.py            write
    python scripts/reference.py --check    exit 1 and name every page that is stale

Whole pages are in `docs/reference/`. Tables inside pages written by hand stand between
`<!-- generated: NAME -->` and `<!-- end: NAME -->`; only what is between the marks is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.pages import PAGES, SECTIONS

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIX = "run `python scripts/reference.py` and commit what it writes"


def documents(docs: Path, pages: Mapping[str, Callable[[], str]] = PAGES) -> dict[Path, str]:
    """Every generated file and what it should hold."""
    wanted = {docs / name: page() for name, page in pages.items()}
    for name, sections in SECTIONS.items():
        path = docs / name
        text = path.read_text(encoding="utf-8")
        for mark, section in sections.items():
            text = filled(text, mark, section(), name)
        wanted[path] = text
    return wanted


def filled(text: str, mark: str, section: str, page: str) -> str:
    """The page's text with the section between its marks replaced.

    Raises:
        SystemExit: the page lacks one of the marks.
    """
    begin, end = f"<!-- generated: {mark} -->", f"<!-- end: {mark} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"docs/{page} lacks {begin} or {end}: put both where the table belongs.")
    return f"{before}{begin}\n\n{section.strip()}\n\n{end}{after}"


def stale(wanted: Mapping[Path, str]) -> list[Path]:
    """The files that do not hold what they should."""
    return [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: list[str]) -> int:
    """Write, or check; returns the exit code."""
    wanted = documents(DOCS)
    old = stale(wanted)
    if "--check" in arguments:
        for path in old:
            print(f"docs/{path.relative_to(DOCS)} is stale: {FIX}", file=sys.stderr)
        print(f"{len(wanted) - len(old)} of {len(wanted)} generated pages are current")
        return 1 if old else 0
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote docs/{path.relative_to(DOCS)}")
    print(f"{len(wanted)} generated pages are current")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
