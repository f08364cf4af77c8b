"""`roadworthy dossier`: everything recorded about a version, for people and machines, as one signed package."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import COULD_NOT_VERIFY, WRONG
from roadworthy.cli.files import make_folder, write_new
from roadworthy.services.dossier.package import ENVELOPE


def dossier(
    desk: Desk,
    version: Annotated[str, typer.Argument(help="The version, for example churn:1.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder; none: VERSION-dossier here.")] = None,
    formats: Annotated[
        str, typer.Option("--format", help="Of html, pdf, bom, index, with commas; none: all of them.")
    ] = "",
) -> int:
    """Issue a version's dossier. Exit: 0 written; 6, 9 written, but its record is wrong or could not be verified."""
    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    with desk.road() as road:
        body = {"formats": wanted} if wanted else {}
        issued = road.ask("POST", f"/versions/{version}/dossier", dict[str, Any], body)
    folder = out or Path(f"{version.replace(':', '-')}-dossier")
    make_folder(folder)
    files = {name: base64.b64decode(text) for name, text in issued["files"].items()}
    files[ENVELOPE] = issued["envelope"].encode()
    for name, data in files.items():
        write_new(folder / name, data, replace=True)
    document = {k: issued[k] for k in ("version", "evidence", "problems")}
    lines = [f"Wrote {folder / name} ({len(data):,} bytes)." for name, data in files.items()]
    desk.answer(
        {**document, "folder": str(folder), "files": sorted(files)},
        *lines,
        f"The signed statement is evidence {issued['evidence'][:16]}.",
        f"Next: roadworthy verify {folder}",
    )
    for problem in issued["problems"]:
        desk.note(f"{problem['name']}: {problem['status']}. {problem['why']}")
    if issued["problems"]:
        desk.note("The record behind this dossier does not hold; the dossier says so first.")
        return WRONG if issued["wrong"] else COULD_NOT_VERIFY
    return 0


app = command(dossier)
