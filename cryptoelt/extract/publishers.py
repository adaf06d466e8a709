"""Which exchanges say that they publish their wallets: `porStatus` of the newest exchange/info."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import DamagedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.lake.bronze import Bronze

log = logging.getLogger("cryptoelt.extract")

_INFO = "exchange/info"
#: Answers so much older than the newest still count: a scan may have taken several runs or passed over an id, and a
#: file of the newest may be damaged.
_TOGETHER = timedelta(days=15)


def declared_publishers(bronze: Bronze) -> frozenset[str] | None:
    """Return the exchanges whose newest info says that they publish their wallets; None where there is no info yet.

    It is read from the raw records: no typed column of older files holds it, and one would send an exchange to
    quarantine whose status came in another type.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    newest = bronze.last_snapshot(_INFO)
    if newest is None:
        return None
    status: dict[str, bool] = {}
    for snapshot in bronze.snapshots(_INFO, after=newest - _TOGETHER):
        for file in snapshot.files:
            try:
                if bronze.footer(file).note.unusable:
                    continue  # by what cannot be right nothing is decided
                rows = bronze.read_file(file, ["id", "raw"])
            except DamagedFileError as exc:  # its own table tells of it; those it holds are asked in rotation
                log.warning("publishers.info_damaged", extra={"fields": exc.context})
                continue
            status |= dict(_statuses(rows.to_pylist()))
    return frozenset(id_ for id_, publishes in status.items() if publishes) if status else None


def _statuses(rows: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Yield of each row its id, and whether its record says that the exchange publishes."""
    for row in rows:
        try:
            record = json.loads(row["raw"])
        except ValueError:
            continue
        if row["id"] is not None and isinstance(record, dict):
            yield str(row["id"]), record.get("porStatus") in (1, "1")
