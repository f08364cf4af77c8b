"""Cards of versions and their terms, for lists; indexes on fields that are looked up together.

The cards of versions that are there already are written after the migration (`domain/storing/card.py`): a revision
knows nothing of today's entities.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"

_CARD_INDEXES: tuple[tuple[str, ...], ...] = (
    ("state",),
    ("use_case",),
    ("use_case", "state"),
    ("name",),
    ("state", "name"),
    ("approved_at",),
    ("state", "approved_at"),
)
_INDEXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dataset", ("use_case", "role")),
    ("dataset", ("digest", "role")),
    ("model_version", ("use_case",)),
    ("model_version", ("use_case", "state")),
    ("model_version", ("use_case", "name")),
    ("gate_run", ("version", "gate")),
    ("evidence", ("kind", "subject")),
    ("sealed_look", ("dataset", "lineage")),
    ("delegation", ("giver", "taker")),
    ("work_item", ("state",)),
    ("work_item", ("version",)),
    ("work_item", ("use_case",)),
    ("work_item", ("version", "state")),
    ("work_item", ("use_case", "state")),
    ("deployment", ("endpoint",)),
    ("review_run", ("endpoint",)),
    ("ledger_entry", ("endpoint",)),
    ("change", ("subject",)),
)


def upgrade() -> None:
    """Make the tables and the indexes."""
    sorted_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "version_card",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("body_digest", sa.String(64), nullable=False),
        sa.Column("use_case", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("name", sorted_text, nullable=False),
        sa.Column("approved_at", sorted_text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_version_card"),
        sa.UniqueConstraint("id", name="uq_version_card_id"),
    )
    for name in ("use_case", "state", "name"):
        op.create_index(f"ix_version_card_{name}", "version_card", [name])
    for names in _CARD_INDEXES:
        _index("version_card", names)
    op.create_table(
        "version_card_term",
        sa.Column("term", sorted_text, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "seq", name="pk_version_card_term"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_version_card_term_seq", "version_card_term", ["seq"])
    for table, names in _INDEXES:
        _index(table, names)


def downgrade() -> None:
    """Drop them."""
    for table, names in reversed(_INDEXES):
        op.drop_index(_name(table, names), table)
    op.drop_table("version_card_term")
    op.drop_table("version_card")


def _index(table: str, names: tuple[str, ...]) -> None:
    op.create_index(_name(table, names), table, [*names, "seq"])


def _name(table: str, names: tuple[str, ...]) -> str:
    return f"ix_{table}_{'_'.join(names)}_seq"
