"""Which snapshots are a list cut short, as Silver says it beside the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from cryptoelt.lake.silver import SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptoelt.lake.bronze import BronzeFooter, BronzeSnapshot

_TYPES: dict[str, pa.DataType] = {SNAPSHOT: pa.timestamp("us", tz="UTC"), "reason": pa.string()}
_SCHEMA = pa.schema(_TYPES)


def incomplete_marks(sources: Iterable[tuple[BronzeSnapshot, BronzeFooter]]) -> pa.Table:
    """Return a row for each of these snapshots of which Bronze lacks the last page, and how far it goes."""
    rows = [
        {SNAPSHOT: source.snapshot, "reason": f"the list goes on after the {footer.rows} rows of {source.path}"}
        for source, footer in sources
        if not footer.note.is_last
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
