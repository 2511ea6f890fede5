"""Alembic runs this for every migration, with the connection that ``config`` was given."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from stadtdaten.ledger.models import Base, UtcDateTime


def _stored_type(_kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """A migration names what the database stores: it must still run when our own types have changed."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_stored_type,
    render_as_batch=True,  # SQLite cannot alter most things in place
    transactional_ddl=True,  # SQLite can (Alembic assumes not): a migration that fails or is killed leaves no trace
)
with context.begin_transaction():
    context.run_migrations()
