"""The notes in the footers of Bronze files, changed by hand as another version, or an accident, would have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_KEY = b"cryptoelt"


def note_in(path: Path) -> dict[str, Any]:
    """Return the note of a file as it is written."""
    note: dict[str, Any] = json.loads(pq.read_schema(path).metadata[_KEY])
    return note


def write_note(path: Path, text: str) -> None:
    """Put a text in place of the note of a file; its rows stay."""
    rows = pq.read_table(path)
    pq.write_table(rows.replace_schema_metadata({**(rows.schema.metadata or {}), _KEY: text.encode()}), path)


def change_note(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the note of a file."""
    note = note_in(path)
    change(note)
    write_note(path, json.dumps(note))
