"""What Silver and the load need to know of a table, derived from its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import TIMESTAMP, BigInteger, Boolean, Date, Double, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY, dialect

from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.tables import TABLES
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
    # Silver has the double nearest to it, and what it is exactly in a column of its own.
    (Numeric, pa.float64()),
    (Text, pa.string()),
)
_PYTHON: dict[type, pa.DataType] = {
    datetime: pa.timestamp("us", tz="UTC"),
    int: pa.int64(),
    bool: pa.bool_(),
    float: pa.float64(),
    Decimal: pa.decimal128(38, 18),
    str: pa.string(),
}
_SQL: dict[type, str] = {
    datetime: "timestamptz",
    int: "bigint",
    bool: "boolean",
    float: "double precision",
    Decimal: "numeric",
    str: "text",
}


@dataclass(frozen=True)
class Parent:
    """A dimension that a row refers to, and what the row's own record says of its member.

    Attributes:
        schema: the dimension's database schema.
        table: the dimension.
        key: its key column.
        column: the column of the referring table that holds the key.
        attributes: dimension column -> staged column that fills it in an inferred member.
    """

    schema: str
    table: str
    key: str
    column: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A warehouse table as the load sees it.

    Attributes:
        schema: the database schema.
        name: the table's name.
        key: the columns of its primary key.
        columns: the columns that come from Silver, as Arrow fields, in the table's order.
        staged: these, and what else of Silver a load needs.
        sql_types: PostgreSQL's type of each staged column.
        attributes: of a stable dimension, the columns whose change makes a new version.
        parents: the dimensions it refers to whose members may be inferred.
        can_be_inferred: whether it is such a dimension.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    columns: pa.Schema
    staged: pa.Schema
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
    """Return the columns of a Silver table: its model's less what the warehouse adds, what a load needs, `call_id`."""
    return _staged(_warehouse_table(table_name)).append(pa.field("call_id", pa.string()))


def target_of(table_name: str) -> Target:
    """Return what the load needs to know of the warehouse table that a Silver table is loaded into."""
    name = _warehouse_table(table_name)
    table, model, key = _table(name), _loaded(name), key_of(name)
    columns, staged = _columns(name), _staged(name)
    return Target(
        schema=str(table.schema),
        name=name,
        key=key,
        # Whether NULL is allowed is for the database to say: its error names the column.
        columns=_nullable(columns),
        staged=_nullable(staged),
        sql_types=tuple(_sql_type(table, model, column) for column in staged.names),
        attributes=tuple(column for column in columns.names if column not in {*key, SNAPSHOT, *model.volatile_columns}),
        parents=tuple(_parents(table, model)),
        can_be_inferred="is_inferred" in table.columns,
    )


def indexed_texts(table_name: str) -> frozenset[str]:
    """Return the texts of a table that stand in its key or in an index, and so cannot be of any length."""
    table = _table(_warehouse_table(table_name))
    indexed = [*table.primary_key.columns, *(column for index in table.indexes for column in index.columns)]
    return frozenset(column.name for column in indexed if isinstance(column.type, Text))


def references_to_inferred() -> dict[tuple[str, str, str], list[tuple[str, str]]]:
    """Return the dimensions whose members may be inferred: schema, name and key -> tables and columns that refer to it.

    Tables and their dimensions lie in one schema.
    """
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for table in Base.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            if "is_inferred" in key.column.table.columns:
                dimension = (str(key.column.table.schema), key.column.table.name, key.column.name)
                found.setdefault(dimension, []).append((table.name, key.parent.name))
    return found


def _warehouse_table(table_name: str) -> str:
    return TABLES[table_name].warehouse_table if table_name in TABLES else table_name


def _loaded(table_name: str) -> type[Loaded]:
    model = model_of(table_name)
    if not issubclass(model, Loaded):
        raise TypeError(f"{table_name} is not a table that is loaded from Silver")
    return model


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])  # noqa: FBT003 - pyarrow's signature


def _parents(table: SqlTable, model: type[Loaded]) -> list[Parent]:
    return [
        Parent(
            str(key.column.table.schema),
            key.column.table.name,
            key.column.name,
            key.parent.name,
            model.inferred_attributes.get(key.parent.name, {}),
        )
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if "is_inferred" in key.column.table.columns
    ]


def _table(table_name: str) -> SqlTable:
    table = model_of(table_name).__table__
    return Base.metadata.tables[f"{table.schema}.{table_name}"]


def _columns(table_name: str) -> pa.Schema:
    """Return the columns of a warehouse table that come from Silver."""
    own = {*_loaded(table_name).own_columns, "load_batch_id"}
    optional = _loaded(table_name).optional_in_silver
    columns = [column for column in _table(table_name).columns if column.name not in own and column.identity is None]
    return pa.schema(
        [pa.field(c.name, _arrow_type(c), nullable=bool(c.nullable) or c.name in optional) for c in columns]
    )


def _staged(table_name: str) -> pa.Schema:
    extra = _loaded(table_name).silver_columns
    return pa.schema([*_columns(table_name), *(pa.field(name, _PYTHON[type_]) for name, type_ in extra.items())])


def _sql_type(table: SqlTable, model: type[Loaded], column: str) -> str:
    if column in model.silver_columns:
        return _SQL[model.silver_columns[column]]
    kind = table.columns[column].type
    return _SQL[float] if isinstance(kind, Numeric) else kind.compile(dialect=_DIALECT)


def _arrow_type(column: Column[Any]) -> pa.DataType:
    if isinstance(column.type, ARRAY):
        return pa.list_(pa.string())
    for sql_type, arrow_type in _ARROW:
        if isinstance(column.type, sql_type):
            return arrow_type
    raise TypeError(f"{column}: no Arrow type for {column.type!r}")
