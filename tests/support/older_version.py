"""What an older version of cryptoelt has left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path


def as_an_older_version_noted_it(path: Path) -> None:
    """Rewrite a Bronze file with a note that calls it clean, by the rules of before texts and addresses were judged."""
    table = pq.read_table(path)
    note = json.loads(table.schema.metadata[b"cryptoelt"])
    del note["rules"]
    pq.write_table(table.replace_schema_metadata({"cryptoelt": json.dumps(note | {"clean": True})}), path)
