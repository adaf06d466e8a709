"""Loads chosen snapshots of a Silver table: those the warehouse lacks, or all of them in place of the present ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.load.pending import CHUNK, Work
from cryptoelt.tables import TABLES, TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from cryptoelt.lake.silver import SilverTable
    from cryptoelt.load.batches import LoadedTable


@dataclass(frozen=True)
class Choice:
    """What of a table is to be loaded.

    Attributes:
        includes: tells whether a snapshot is meant.
        replace: put the snapshots in place of the present ones.
        in_bronze: with `replace`, the snapshots that Bronze holds; others are left as they are.
        is_whole: with `replace`, put all of a stable dimension or a link in place, whatever `includes` says.
        runs: with `replace`, the runs that built what Silver now holds; what they have loaded is done.
    """

    includes: Callable[[datetime], bool]
    replace: bool = False
    in_bronze: Collection[datetime] = frozenset()
    is_whole: bool = False
    runs: Collection[str] = ()


def chosen_work(table: str, silver: SilverTable, loaded: LoadedTable, choice: Choice) -> list[Work]:
    """Return what is to be loaded, oldest first; what is to be replaced is one transaction."""
    held, known = silver.snapshots(), loaded.snapshots()
    lacking = held - known
    if not choice.replace:
        missing = sorted(filter(choice.includes, lacking))
        place = place_of(silver, loaded, lacking.difference(missing))
        parts = [tuple(missing[start : start + CHUNK]) for start in range(0, len(missing), CHUNK)]
        return [Work(part, place if part is parts[-1] else None) for part in parts]
    if choice.is_whole and TABLES[table].kind is not TableKind.SNAPSHOT:
        chosen = held
    else:
        chosen = {moment for moment in held if choice.includes(moment)} & (lacking | set(choice.in_bronze))
    if not chosen or (choice.runs and loaded.are_replaced_by(choice.runs, chosen)):
        return []
    return [Work(tuple(sorted(chosen)), place_of(silver, loaded, lacking - chosen))]


def kept_snapshots(silver: SilverTable, loaded: LoadedTable, choice: Choice) -> list[datetime]:
    """Return the chosen snapshots that are left as they are, because Bronze no longer holds them."""
    known = loaded.snapshots() | (silver.snapshots() if silver.exists else set())
    return sorted(moment for moment in known.difference(choice.in_bronze) if choice.includes(moment))


def place_of(silver: SilverTable, loaded: LoadedTable, left: Collection[datetime]) -> int | None:
    """Return up to which version everything will be loaded: where some snapshots are left out, as far as it was."""
    if not left:
        return silver.version
    return loaded.version if loaded.version is not None and loaded.version <= silver.version else None
