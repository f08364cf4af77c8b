"""`roadworthy verify`: does a bundle or a dossier hold? Offline, with three answers: yes, wrong, cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from roadworthy.adapters.artifacts.reading import read_folder
from roadworthy.apps.settings import read_settings
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.exits import COULD_NOT_VERIFY, WRONG
from roadworthy.cli.records.kept import kept_artifact, kept_trust
from roadworthy.domain.errors import CouldNotVerifyError
from roadworthy.domain.storing.folder import Artifact
from roadworthy.evidence.bundle import Bundle, BundleItem, BundleReport, ItemStatus, decode_bundle, verify_bundle
from roadworthy.evidence.canonical import MAX_DOCUMENT_BYTES, check_size
from roadworthy.evidence.trust import TrustRoot, decode_trust
from roadworthy.services.dossier.package import ENVELOPE, verify_package

MARKS = {
    ItemStatus.OK: ("✔", "green"),
    ItemStatus.WRONG: ("✘", "red"),
    ItemStatus.COULD_NOT_VERIFY: ("?", "magenta"),
}
MAX_ARTIFACT_BYTES = 16 * 2**30
"""No model that is served from memory is larger."""

OWN_COPY = (
    "there is no trust root of yours: signatures were checked against the bundle's own copy, which proves nothing"
)


def verify(
    desk: Desk,
    bundle: Annotated[
        Path | None, typer.Argument(help="A bundle or a dossier's folder; none: the change record.")
    ] = None,
    *,
    trust: Annotated[Path | None, typer.Option(help="Your trust root; none: the workspace's.")] = None,
    artifact: Annotated[
        Path | None, typer.Option(help="The model's file or folder; none: the workspace's store.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint kept elsewhere (`changes checkpoint`); may be repeated.")
    ] = None,
) -> int:
    """Verify a bundle or a dossier offline. Exit: 0 it holds, 6 something is wrong, 9 could not be verified."""
    kept = tuple(_read(path).decode("utf-8", "replace") for path in against or ())
    if bundle is None:
        return _verify_record(desk, kept)
    if bundle.is_dir():
        return verify_dossier(desk, bundle, trust)
    found = decode_bundle(_read(bundle))
    settings = read_settings(desk.workspace)
    root = decode_trust(_read(trust)) if trust else kept_trust(settings)
    data = _artifact(artifact) if artifact else kept_artifact(settings, found.artifact, found.version.files)
    report = judged(found, root, data, kept)
    desk.answer({"bundle": str(bundle), "holds": report.holds, "items": report.items}, _shown(report, found))
    return concluded(desk, report, "bundle", f"Everything about {found.version.id}")


def concluded(desk: Desk, report: BundleReport, what: str, everything: str) -> int:
    """The last line and the exit code of a report."""
    wrong, open_items = report.of(ItemStatus.WRONG), report.of(ItemStatus.COULD_NOT_VERIFY)
    if wrong:
        desk.note(f"WRONG: {', '.join(i.name for i in wrong)}. Do not trust this {what}.")
        return WRONG
    if open_items:
        desk.note(
            f"Could not verify: {', '.join(i.name for i in open_items)}. Nothing is shown to be wrong, "
            "and nothing proven; give what is missing with --trust and --artifact."
        )
        return COULD_NOT_VERIFY
    desk.note(f"{everything} holds.")
    return 0


def judged(
    bundle: Bundle, trust: TrustRoot | None, artifact: Artifact | None, kept: tuple[str, ...] = ()
) -> BundleReport:
    """The report; without a trust root of one's own the trust item is open, whatever the signatures say."""
    if trust is not None:
        return verify_bundle(bundle, trust, artifact, now=datetime.now(UTC), against=kept)
    items = verify_bundle(bundle, bundle.trust, artifact, now=datetime.now(UTC), against=kept).items
    own = BundleItem(items[0].name, ItemStatus.COULD_NOT_VERIFY, OWN_COPY)
    return BundleReport((own, *items[1:]))


def _verify_record(desk: Desk, kept: tuple[str, ...]) -> int:
    with desk.road() as road:
        found = road.verify_record(kept)
    links, covered = found["verified"], found["covered"]
    after = f"; the newest {links - covered:,} are under none yet" if covered < links else ""
    desk.answer(
        {"holds": True, **found, "kept": len(kept)},
        f"The change record holds: {links:,} links, none touched; {found['checkpoints']:,} signed checkpoints agree"
        f"{after}.",
    )
    return 0


def verify_dossier(desk: Desk, folder: Path, trust: Path | None) -> int:
    """Verify a dossier's folder: the signature, and every file against its digest."""
    root = decode_trust(_read(trust)) if trust else kept_trust(read_settings(desk.workspace))
    files = {p.name: _read(p) for p in sorted(folder.iterdir()) if p.is_file()}
    envelope = files.pop(ENVELOPE, None)
    if envelope is None:
        raise CouldNotVerifyError(
            f"'{folder}' holds no {ENVELOPE}",
            remedy="Name a folder that `roadworthy dossier` wrote.",
            file=str(folder),
        )
    if root is None:
        raise CouldNotVerifyError(
            "there is no trust root of yours: whose signature counts cannot be told",
            remedy="Give one with --trust (`roadworthy bundle --trust-out` writes it), or name the workspace.",
            piece="trust root",
        )
    report = verify_package(envelope.decode("utf-8", "replace"), files, root, now=datetime.now(UTC))
    table = _items(report, f"Dossier in {folder}")
    desk.answer({"dossier": str(folder), "holds": report.holds, "items": report.items}, table)
    return concluded(desk, report, "dossier", f"Every file of the dossier in {folder}")


def _artifact(path: Path) -> Artifact:
    return read_folder(path) if path.is_dir() else _read(path, MAX_ARTIFACT_BYTES)


def _read(path: Path, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
    try:
        check_size(path.stat().st_size, f"'{path}'", limit)
        return path.read_bytes()
    except OSError as problem:
        raise CouldNotVerifyError(
            f"'{path}' cannot be read: {problem.strerror}", remedy="Check the path.", file=str(path)
        ) from problem


def _shown(report: BundleReport, bundle: Bundle) -> Table:
    return _items(report, f"Bundle of {bundle.version.id}, {bundle.version.state.value}")


def _items(report: BundleReport, title: str) -> Table:
    table = Table("item", "result", "why", title=title)
    for item in report.items:
        mark, colour = MARKS[item.status]
        table.add_row(item.name, Text(f"{mark} {item.status.value}", style=colour), item.why)
    return table


app = command(verify)
