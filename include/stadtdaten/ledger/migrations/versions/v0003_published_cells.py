"""What was published of tables about people is kept for good, so that later releases are attacked together with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of published cells and of their contents."""
    op.create_table(
        "cells_content",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_cells_content"),
    )
    op.create_table(
        "published_cells",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("table", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "table", "release", name="pk_published_cells"),
        sa.ForeignKeyConstraint(["sha256"], ["cells_content.sha256"], name="fk_published_cells_sha256_cells_content"),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("published_cells")
    op.drop_table("cells_content")
