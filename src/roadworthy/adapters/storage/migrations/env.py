"""How Alembic runs: on the connection, and inside the transaction, that `migrate.to_head` hands over."""

from __future__ import annotations

from alembic import context

from roadworthy.adapters.storage.migrate import VERSION_TABLE
from roadworthy.adapters.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
