"""Models of what the load keeps about itself."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import datetime

from sqlalchemy import TIMESTAMP, CheckConstraint, Computed, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from cryptoelt.warehouse.models.base import OPS, Base


class LoadBatch(Base):
    """One committed load of one table; what this table says is loaded is loaded."""

    __tablename__ = "load_batch"

    load_batch_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[str]
    table_name: Mapped[str]
    silver_table_id: Mapped[str | None] = mapped_column(comment="Delta's identity of the table that was read.")
    silver_version: Mapped[int | None] = mapped_column(
        comment="Everything up to this Delta version is loaded; NULL where a later batch of the catch-up says so."
    )
    snapshots: Mapped[list[datetime]] = mapped_column(ARRAY(TIMESTAMP(timezone=True)), comment="Oldest first.")
    rows_in: Mapped[int]
    rows_loaded: Mapped[int]
    rows_present: Mapped[int]
    rows_quarantined: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None] = mapped_column(comment="When a rebuild replaced what this batch loaded.")
    incomplete_snapshots: Mapped[list[datetime]] = mapped_column(
        ARRAY(TIMESTAMP(timezone=True)),
        server_default=text("'{}'"),
        comment="Those of the snapshots that are a list cut short, when they were loaded.",
    )

    __table_args__ = (
        CheckConstraint("rows_in = rows_loaded + rows_present + rows_quarantined", name="rows_add_up"),
        Index(None, "table_name", "silver_table_id", "silver_version", postgresql_where=text("superseded_at IS NULL")),
        # By the newest snapshot of a batch: snapshots are sorted.
        Index("ix_load_batch_table_name_newest", "table_name", text("(snapshots[cardinality(snapshots)])")),
        {"schema": OPS},
    )


class IncompleteSnapshot(Base):
    """A snapshot of a table that is a list cut short: by the budget, or by a page that failed."""

    __tablename__ = "incomplete_snapshot"
    __table_args__ = ({"schema": OPS},)

    table_name: Mapped[str] = mapped_column(primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    reason: Mapped[str]
    load_batch_id: Mapped[int]
    completed_at: Mapped[datetime | None] = mapped_column(
        comment="When a rebuild found it whole after all; NULL while it is incomplete."
    )


class Quarantine(Base):
    """A record that could not be loaded, and why."""

    __tablename__ = "quarantine"

    quarantine_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    table_name: Mapped[str]
    snapshot_timestamp: Mapped[datetime]
    rule: Mapped[str]
    record: Mapped[str] = mapped_column(comment="The raw JSON as sent; text, because jsonb refuses some of it.")
    record_md5: Mapped[str] = mapped_column(Computed("md5(record)", persisted=True))
    call_id: Mapped[str | None]
    quarantined_at: Mapped[datetime]
    replayed_at: Mapped[datetime | None]
    load_batch_id: Mapped[int]

    __table_args__ = (
        UniqueConstraint("table_name", "snapshot_timestamp", "rule", "record_md5"),
        {"schema": OPS},
    )


class QualityResult(Base):
    """What one quality check found at one time."""

    __tablename__ = "quality_result"

    quality_result_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[str]
    check_name: Mapped[str]
    table_name: Mapped[str]
    severity: Mapped[str] = mapped_column(comment="error, warning or info.")
    status: Mapped[str] = mapped_column(comment="passed, failed, or broken where it could not be run.")
    is_full: Mapped[bool] = mapped_column(comment="True where all of history was looked at.")
    load_batch_id: Mapped[int | None] = mapped_column(comment="The newest load of the table that was looked at.")
    rows_found: Mapped[int | None] = mapped_column(comment="Rows that break the check; NULL where it could not be run.")
    sample: Mapped[str | None] = mapped_column(comment="The first of them, as JSON.")
    message: Mapped[str | None] = mapped_column(comment="Why it could not be run.")
    started_at: Mapped[datetime]
    seconds: Mapped[float]

    __table_args__ = (Index(None, "check_name", "quality_result_id"), {"schema": OPS})


class Script(Base):
    """A view, function or procedure that is deployed."""

    __tablename__ = "script"
    __table_args__ = ({"schema": OPS},)

    name: Mapped[str] = mapped_column(primary_key=True, comment="Its path below sql/.")
    kind: Mapped[str] = mapped_column(comment="view, function or procedure.")
    object_name: Mapped[str] = mapped_column(comment="What it makes, with its schema.")
    sha256: Mapped[str]
    deployed_at: Mapped[datetime]
