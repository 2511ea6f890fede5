"""What was taken down: no release of it comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of takedowns."""
    op.create_table(
        "takedown",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("releases", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "at", name="pk_takedown"),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("takedown")
