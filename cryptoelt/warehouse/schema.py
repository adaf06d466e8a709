"""What Silver and the load need to know of a table, derived from its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import TIMESTAMP, BigInteger, Boolean, Date, Double, Text
from sqlalchemy.dialects.postgresql import dialect

from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.warehouse.models import Base, Loaded

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy import Table as SqlTable

_DIALECT = dialect()  # type: ignore[no-untyped-call]
_ARROW: tuple[tuple[type[Any], pa.DataType], ...] = (
    (TIMESTAMP, pa.timestamp("us", tz="UTC")),
    (BigInteger, pa.int64()),
    (Boolean, pa.bool_()),
    (Date, pa.date32()),
    (Double, pa.float64()),
    (Text, pa.string()),
)


@dataclass(frozen=True)
class Parent:
    """A dimension that a fact refers to: its table, its key column, and the fact's column that holds the key."""

    schema: str
    table: str
    key: str
    column: str


@dataclass(frozen=True)
class Target:
    """A warehouse table as the load sees it.

    Attributes:
        schema: the database schema.
        name: the table's name.
        key: the columns of its primary key.
        columns: the columns that come from Silver, as Arrow fields, in the table's order.
        sql_types: PostgreSQL's type of each of these columns.
        attributes: of a stable dimension, the columns whose change makes a new version.
        parents: the dimensions it refers to whose members may be inferred.
        can_be_inferred: whether it is such a dimension.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    columns: pa.Schema
    sql_types: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    parents: tuple[Parent, ...] = ()
    can_be_inferred: bool = False


def model_of(table_name: str) -> type[Base]:
    """Return the model of a table.

    Raises:
        KeyError: no model has this table name.
    """
    return {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}[table_name]


def key_of(table_name: str) -> tuple[str, ...]:
    """Return the columns of a table's primary key."""
    return tuple(column.name for column in _table(table_name).primary_key.columns)


def silver_schema(table_name: str) -> pa.Schema:
    """Return the columns of a Silver table: those of its model less what the warehouse adds, and `call_id`."""
    return _columns(table_name).append(pa.field("call_id", pa.string()))


def target_of(table_name: str) -> Target:
    """Return what the load needs to know of a table."""
    table, model, key = _table(table_name), model_of(table_name), key_of(table_name)
    columns = _columns(table_name)
    volatile = model.volatile_columns if issubclass(model, Loaded) else frozenset()
    return Target(
        schema=str(table.schema),
        name=table_name,
        key=key,
        # Whether NULL is allowed is for the database to say: its error names the column.
        columns=pa.schema([field.with_nullable(True) for field in columns]),  # noqa: FBT003 - pyarrow's signature
        sql_types=tuple(table.columns[name].type.compile(dialect=_DIALECT) for name in columns.names),
        attributes=tuple(name for name in columns.names if name not in {*key, SNAPSHOT, *volatile}),
        parents=tuple(_parents(table)),
        can_be_inferred="is_inferred" in table.columns,
    )


def _parents(table: SqlTable) -> list[Parent]:
    return [
        Parent(str(key.column.table.schema), key.column.table.name, key.column.name, key.parent.name)
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if "is_inferred" in key.column.table.columns
    ]


def _table(table_name: str) -> SqlTable:
    table = model_of(table_name).__table__
    return Base.metadata.tables[f"{table.schema}.{table_name}"]


def _columns(table_name: str) -> pa.Schema:
    own = Loaded.own_columns
    columns = [column for column in _table(table_name).columns if column.name not in own and column.identity is None]
    return pa.schema([pa.field(column.name, _arrow_type(column), nullable=bool(column.nullable)) for column in columns])


def _arrow_type(column: Column[Any]) -> pa.DataType:
    for sql_type, arrow_type in _ARROW:
        if isinstance(column.type, sql_type):
            return arrow_type
    raise TypeError(f"{column}: no Arrow type for {column.type!r}")
