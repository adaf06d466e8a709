"""Arrow record batches into a PostgreSQL table by binary COPY, encoded while the server reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder

from cryptoelt.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case
    from psycopg2.sql import Composable

_READ_BYTES = 1 << 18


class CopyStream:
    """A readable file in PostgreSQL's binary format that never holds more than one record batch.

    Attributes:
        rows: rows encoded so far.
        error: what stopped the batches from coming; the driver itself would keep only its text.
    """

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.rows = 0
        self.error: Exception | None = None
        self._pieces = self._encoded(schema, batches)
        self._piece = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        try:
            while not self._piece:
                piece = next(self._pieces, None)
                if piece is None:
                    return b""
                self._piece = memoryview(piece)
        except Exception as exc:
            self.error = exc
            raise
        taken, self._piece = self._piece[:size], self._piece[size:]
        return bytes(taken)

    def _encoded(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
        encoder = ArrowToPostgresBinaryEncoder(schema)
        yield encoder.write_header()
        for batch in batches:
            self.rows += batch.num_rows
            yield encoder.write_batch(fitted(batch, schema))
        yield encoder.finish()


def copy_rows(cursor: Cursor, table: Composable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Append the rows of all batches to a table and return their number.

    Raises:
        Exception: whatever the batches raise while they come, unchanged.
        psycopg2.Error: the server refuses.
    """
    from psycopg2 import sql

    columns = sql.SQL(", ").join(map(sql.Identifier, schema.names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FORMAT binary)").format(table, columns)
    stream = CopyStream(schema, batches)
    try:
        cursor.copy_expert(statement, stream, _READ_BYTES)  # type: ignore[arg-type]  # the driver calls nothing but read()
    except psycopg2.Error:
        if stream.error is not None:
            raise stream.error from None
        raise
    return stream.rows


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch with exactly these columns; one that an older file lacks is NULL.

    Raises:
        LoadError: a column's values do not fit its type.
    """
    return pa.record_batch([_column(batch, field) for field in schema], schema=schema)


def _column(batch: pa.RecordBatch, field: pa.Field[Any]) -> pa.Array[Any]:
    try:
        if field.name not in batch.schema.names:
            return pa.nulls(batch.num_rows, field.type)  # type: ignore[no-any-return]
        column: pa.Array[Any] = batch.column(field.name)
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise LoadError(
            f"Silver column {field.name} does not fit {field.type}: {exc}", hint="rebuild the table from Bronze"
        ) from exc
