"""Runs the migrations on the connection that cryptoelt hands over, or, for developers, on the configured warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context
from cryptoelt.warehouse.models import DWH, OPS, Base
from cryptoelt.warehouse.scripts import deploy

if TYPE_CHECKING:
    from sqlalchemy import Connection


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave schemas that are not ours out of a comparison."""
    return kind != "schema" or name in {DWH, OPS}


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of this connection; at the head, bring views and procedures up too."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table_schema=OPS,
        include_schemas=True,
        include_name=ours,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()
        reached = context.get_context()
        # Without a destination somebody only looks: `alembic current`, `alembic check`.
        if "destination_rev" in reached.opts and reached.get_current_heads() == tuple(context.script.get_heads()):
            deploy(connection)


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    migrate(handed_over)
else:
    from cryptoelt.clock import Clock
    from cryptoelt.settings import load_settings
    from cryptoelt.warehouse.engine import open_warehouse

    with open_warehouse(load_settings(), Clock()).engine.begin() as opened:
        migrate(opened)
