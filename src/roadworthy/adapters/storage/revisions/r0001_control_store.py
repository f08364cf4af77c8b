"""The first shape of the control store: one table per kind of entity, and the change record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None

_TABLES: dict[str, tuple[str, ...]] = {
    "person": (),
    "use_case": ("owner",),
    "kpi_contract": ("use_case",),
    "dataset": ("use_case", "role", "digest"),
    "model_version": ("use_case", "state", "name"),
    "gate_run": ("version", "gate"),
    "evidence": ("kind", "subject", "version"),
    "sign_off": ("version", "gate_run"),
    "hand_off": ("version",),
    "work_item": ("version", "use_case", "state"),
    "endpoint": ("use_case",),
    "deployment": ("endpoint", "state"),
    "rollout_look": ("deployment",),
    "review_run": ("endpoint", "version"),
    "ledger_entry": ("endpoint", "version"),
}


def upgrade() -> None:
    """Make all tables and their indexes."""
    for table, indexed in _TABLES.items():
        op.create_table(
            table,
            _seq(autoincrement=True),
            sa.Column("id", sa.Text, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sa.Column("body_digest", sa.String(64), nullable=False),
            *(sa.Column(name, sa.Text, nullable=False) for name in indexed),
            sa.PrimaryKeyConstraint("seq", name=f"pk_{table}"),
            sa.UniqueConstraint("id", name=f"uq_{table}_id"),
        )
        for name in indexed:
            op.create_index(f"ix_{table}_{name}", table, [name])
    op.create_table(
        "change",
        _seq(autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("body_digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_change"),
        sa.UniqueConstraint("digest", name="uq_change_digest"),
        sa.UniqueConstraint("previous", name="uq_change_previous"),
    )
    op.create_index("ix_change_subject", "change", ["subject"])


def downgrade() -> None:
    """Drop everything: an empty database."""
    for table in ("change", *reversed(_TABLES)):
        op.drop_table(table)


def _seq(*, autoincrement: bool) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("seq", kind, autoincrement=autoincrement, nullable=False)
