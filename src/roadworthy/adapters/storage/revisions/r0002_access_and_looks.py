"""Looks at sealed data, delegations, access (tokens, sessions, logins, policies), and agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

_TABLES: dict[str, tuple[str, ...]] = {
    "sealed_look": ("dataset", "lineage"),
    "delegation": ("giver", "taker"),
    "token": ("person",),
    "session": ("person",),
    "login": ("person",),
    "policy_revision": (),
    "agent": ("endpoint", "version"),
}


def upgrade() -> None:
    """Make the tables and their indexes."""
    for table, indexed in _TABLES.items():
        op.create_table(
            table,
            _seq(),
            sa.Column("id", sa.Text, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sa.Column("body_digest", sa.String(64), nullable=False),
            *(sa.Column(name, sa.Text, nullable=False) for name in indexed),
            sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
            sa.UniqueConstraint("id", name=f"uq_{table}_id"),
        )
        for name in indexed:
            op.create_index(f"ix_{table}_{name}", table, [name])


def downgrade() -> None:
    """Drop them."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _seq() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("seq", kind, autoincrement=True, nullable=False)
