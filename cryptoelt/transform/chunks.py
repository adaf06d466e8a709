"""Chunks of a history: consecutive Bronze snapshots that become one Delta commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.errors import DamagedFileError
from cryptoelt.lake.bronze import BronzeFooter
from cryptoelt.lake.bronze_note import BronzeNote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot

#: What becomes one commit at most. A Silver file should hold no more snapshots than one that upkeep has packed.
_SNAPSHOTS = 100
_ROWS = 500_000
#: Of records that must be looked at one by one, which takes their raw text through a sort.
_ROWS_LOOKED_AT = 100_000
_FILES = 2_000
#: Rows of a Silver file for which a task of its own is worth while.
_ROWS_OF_A_TASK = 250_000


@dataclass(frozen=True)
class Chunk:
    """Snapshots of one Bronze schema, all of them clean or none known to be.

    Attributes:
        sources: the snapshots, oldest first.
        footers: those of each snapshot.
    """

    sources: tuple[BronzeSnapshot, ...]
    footers: tuple[BronzeFooter, ...]

    @property
    def footer(self) -> BronzeFooter:
        """The footers of all as one."""
        return BronzeFooter(
            sum(footer.rows for footer in self.footers),
            self.footers[0].schema,
            BronzeNote(self.footers[0].note.clean),
            tuple(file for footer in self.footers for file in footer.files),
        )

    @property
    def pairs(self) -> list[tuple[BronzeSnapshot, BronzeFooter]]:
        """Each snapshot with its footers as one."""
        return list(zip(self.sources, self.footers, strict=True))

    @property
    def tasks(self) -> int:
        """How many tasks are to build it; records that are looked at one by one are not spread, but sorted once."""
        footer = self.footer
        return 1 + footer.rows // _ROWS_OF_A_TASK if footer.note.clean else 1

    def without(self, source: BronzeSnapshot) -> Chunk:
        """Return the chunk less one snapshot."""
        kept = [pair for pair in self.pairs if pair[0] != source]
        return Chunk(tuple(source for source, _ in kept), tuple(footer for _, footer in kept))

    def takes(self, footer: BronzeFooter) -> bool:
        """Tell whether a snapshot with this footer fits in too."""
        mine, most = self.footer, _ROWS if footer.note.clean else _ROWS_LOOKED_AT
        alike = mine.note.clean == footer.note.clean and mine.schema.equals(footer.schema)
        return (
            alike
            and len(self.sources) < _SNAPSHOTS
            and mine.rows + footer.rows <= most
            and len(mine.files) + len(footer.files) <= _FILES
        )


def chunks(bronze: Bronze, sources: Iterable[BronzeSnapshot], failures: list[DamagedFileError]) -> Iterator[Chunk]:
    """Yield chunks of some snapshots, in their order; one whose footers cannot be read is added to `failures` instead.

    Each footer is read when it is needed, so memory does not grow with the history.
    """
    chunk: Chunk | None = None
    for source in sources:
        try:
            footer = bronze.footer_of(source)
        except DamagedFileError as exc:
            failures.append(exc)
            continue
        if chunk is not None and chunk.takes(footer):
            chunk = Chunk((*chunk.sources, source), (*chunk.footers, footer))
        else:
            if chunk is not None:
                yield chunk
            chunk = Chunk((source,), (footer,))
    if chunk is not None:
        yield chunk
