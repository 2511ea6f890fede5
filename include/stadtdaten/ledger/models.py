"""How the ledger is stored: SQLAlchemy models for SQLite (default) and PostgreSQL (production).

Every change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)  # fmt: skip
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: stored in UTC, handed out tz-aware. SQLite knows no time zones, so a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; ValueError for a moment without time zone."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("the ledger takes tz-aware moments only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From whatever the database made of it to UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables. Every constraint has a name, so that a migration can drop it on any database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, str: Text, list[Any]: JSON}  # noqa: RUF012 (SQLAlchemy reads it)


class AttemptRow(Base):
    """One try to bring a dataset up to date."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "dataset", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    dataset: Mapped[str]
    night: Mapped[str | None]
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    outcome: Mapped[str | None]
    rows_read: Mapped[int] = mapped_column(BigInteger)
    rows_published: Mapped[int] = mapped_column(BigInteger)
    held_back: Mapped[int] = mapped_column(BigInteger)
    release: Mapped[str]
    live_release: Mapped[str]
    drift: Mapped[list[Any]]
    run_url: Mapped[str]
    pid: Mapped[int]


class CheckRow(Base):
    """One expectation's outcome in one attempt: counts, never values."""

    __tablename__ = "check"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id", ondelete="CASCADE"), index=True)
    table: Mapped[str]
    stage: Mapped[str]
    expectation: Mapped[str]
    column: Mapped[str]
    severity: Mapped[str]
    success: Mapped[bool]
    element_count: Mapped[int] = mapped_column(BigInteger)
    unexpected_count: Mapped[int] = mapped_column(BigInteger)
    message: Mapped[str]


class ReleaseRow(Base):
    """One immutable published version of a dataset; its files are in the release store."""

    __tablename__ = "release"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    created: Mapped[datetime]
    rows: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    manifest_sha256: Mapped[str]
    previous: Mapped[str]


class LiveRow(Base):
    """Which release a portal shows of a dataset; ``withdrawn``: the one a rollback took away, empty otherwise."""

    __tablename__ = "live"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    portal: Mapped[str] = mapped_column(primary_key=True)
    release: Mapped[str]
    withdrawn: Mapped[str]
    since: Mapped[datetime]


class TakedownRow(Base):
    """That every release of a dataset was taken down: what a tombstone says. The newest takedown counts."""

    __tablename__ = "takedown"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    releases: Mapped[list[Any]]


class CellsRow(Base):
    """That a release showed a table about people; kept for good. What it showed stands in ``CellsContentRow``."""

    __tablename__ = "published_cells"

    dataset: Mapped[str] = mapped_column(primary_key=True)
    table: Mapped[str] = mapped_column(primary_key=True)
    release: Mapped[str] = mapped_column(primary_key=True)
    published_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(ForeignKey("cells_content.sha256"))

    content: Mapped[CellsContentRow] = relationship()


class CellsContentRow(Base):
    """A published table about people as Parquet: once, however many releases showed it."""

    __tablename__ = "cells_content"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class IncidentRow(Base):
    """One ongoing or past problem of a dataset, or of a whole source (dataset NULL)."""

    __tablename__ = "incident"
    __table_args__ = (
        # One open incident per dataset and kind. Two indexes, because NULLs are never equal to each other.
        Index(
            "uq_incident_open_dataset", "source", "dataset", "kind", unique=True,
            sqlite_where=text("closed_at IS NULL AND dataset IS NOT NULL"),
            postgresql_where=text("closed_at IS NULL AND dataset IS NOT NULL"),
        ),
        Index(
            "uq_incident_open_source", "source", "kind", unique=True,
            sqlite_where=text("closed_at IS NULL AND dataset IS NULL"),
            postgresql_where=text("closed_at IS NULL AND dataset IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    dataset: Mapped[str | None]
    kind: Mapped[str]
    gate: Mapped[str]
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    occurrences: Mapped[int]
    closed_at: Mapped[datetime | None]
    message: Mapped[str]
    next_step: Mapped[str]
    findings: Mapped[list[Any]]
    run_url: Mapped[str]
    live_release: Mapped[str]


class AlertRow(Base):
    """A mail about an incident: queued with the change that causes it, so that no crash can lose it."""

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("incident_id", "event"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"))
    event: Mapped[str]
    message_id: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str]
    attempts: Mapped[int]

    incident: Mapped[IncidentRow] = relationship()
