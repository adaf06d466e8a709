"""What changed between two snapshots of a list of entities: who is new, gone, renamed, or otherwise different."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.lake.bronze import Bronze

log = logging.getLogger("cryptoelt.extract")

_NAMED = 100


def changes_of(
    bronze: Bronze, endpoint: str, snapshot: datetime, *, names: tuple[str, ...], others: tuple[str, ...]
) -> dict[str, Any]:
    """Compare a snapshot with the one before it, by the column `id`.

    Args:
        bronze: holds both.
        endpoint: whose they are.
        snapshot: the newer of the two.
        names: columns of which a difference is a renaming.
        others: further columns that count as a change.

    Returns:
        `changes` for the journal: None for a first snapshot or where the one before cannot be read, else counts, and
        of each kind up to a hundred ids.
    """
    known = bronze.complete_snapshots(endpoint, 2)
    if len(known) < 2 or known[-1].snapshot != snapshot:
        return {"changes": None}
    columns = ["id", *names, *others]
    try:
        before, now = (_by_id(bronze.read(found, columns).to_pylist()) for found in known)
    except DamagedFileError as exc:  # what was fetched now is whole all the same
        log.warning("changes.unknown", extra={"fields": {"endpoint": endpoint, **exc.context}})
        return {"changes": None}
    both = [id_ for id_ in now if id_ in before]
    renamed = [id_ for id_ in both if any(now[id_][name] != before[id_][name] for name in names)]
    changed = [id_ for id_ in both if any(now[id_][name] != before[id_][name] for name in others)]
    kinds = {
        "new": [id_ for id_ in now if id_ not in before],
        "gone": [id_ for id_ in before if id_ not in now],
        "renamed": renamed,
        "changed": changed,
    }
    counts = {kind: {"count": len(ids), "ids": ids[:_NAMED]} for kind, ids in kinds.items()}
    return {"changes": {"since": iso(known[0].snapshot), **counts}}


def _by_id(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {row["id"]: row for row in rows if row["id"] is not None}
