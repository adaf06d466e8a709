"""What the footer of a Bronze file says of the scan of many calls that it is a part of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.metadata.formats import FormatError, Record

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class ScanNote:
    """One part of a scan.

    The first part that a run writes says whom the scan set out to ask; written in each, it would outweigh the answers.

    Attributes:
        began: the snapshot of the scan's first run.
        answered: the ids that are done with this part.
        size: how many ids the scan set out to ask; None in files of format 0, each of which says `planned`.
        planned: those ids, in order; None where an earlier part says it.
        refused: those of the answered that the API did not take, or passed over.
        postponed: how many ids were left for another day, to keep credits for what cannot wait.
        left: those of the planned ids that are among the postponed; None where they are what an earlier part says.
        is_init: whether the scan asks everyone once, outside of every share.
        credits: what the answer cost.
        num_tokens: how many coins a category has, by its answer.
        listed: how many it had in the list of categories.
        asked: the ids that the part was asked for, where its answer is unusable and so answers none of them.
    """

    began: datetime
    answered: tuple[str, ...] = ()
    size: int | None = None
    planned: tuple[str, ...] | None = None
    refused: tuple[str, ...] = ()
    postponed: int = 0
    left: tuple[str, ...] | None = None
    is_init: bool = False
    credits: int = 0
    num_tokens: int | None = None
    listed: int | None = None
    asked: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON, without what it does not say."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        return {**said, "began": iso(self.began)}

    @classmethod
    def of(cls, value: object) -> ScanNote:
        """Read what `as_json` returned, here or in an earlier version.

        Raises:
            FormatError: it lacks what a resumed scan must know, or a value is of another type.
        """
        said = Record.of(value)
        if not said.has("size") and not said.has("planned"):
            raise FormatError("it does not say whom the scan set out to ask")

        def if_any(name: str) -> int | None:
            return said.number(name) if said.has(name) else None

        return cls(
            began=said.moment("began"),
            answered=said.texts("answered"),
            size=if_any("size"),
            planned=said.texts("planned") if said.has("planned") else None,
            refused=said.texts("refused", ()),
            postponed=said.number("postponed", 0),
            left=said.texts("left") if said.has("left") else None,
            is_init=said.flag("is_init", default=False),
            credits=said.number("credits", 0),
            num_tokens=if_any("num_tokens"),
            listed=if_any("listed"),
            asked=said.texts("asked", ()),
        )
