"""Brings a control store to the shape this program needs, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from roadworthy.domain.errors import StorageUnavailableError

VERSION_TABLE = "roadworthy_revision"
"""Where the revision is kept: a name of our own, so that the database may be shared."""

_SCRIPTS = Path(__file__).parent / "migrations"
_REVISIONS = Path(__file__).parent / "revisions"


def to_head(connection: Connection, place: str) -> None:
    """Run the migrations that are still missing, inside the caller's transaction.

    Raises:
        StorageUnavailableError: the store was written by a newer Roadworthy.
    """
    config = configured(connection)
    scripts = ScriptDirectory.from_config(config)
    current = revision_of(connection)
    if current == scripts.get_current_head():
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise StorageUnavailableError(
            f"the control store {place} has revision {current}, which this version of Roadworthy does not know",
            remedy="Upgrade Roadworthy, or restore the backup made before the store was upgraded.",
            place=place,
            revision=current,
        )
    command.upgrade(config, "head")


def configured(connection: Connection) -> Config:
    """Alembic's configuration for one connection."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("version_locations", str(_REVISIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def revision_of(connection: Connection) -> str | None:
    """The revision a store is at, or None for an empty database."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()
