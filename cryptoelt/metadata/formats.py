"""Format versions of files that outlive the program: what is read, what is refused, and the values in them by type.

Every footer, journal line, ledger line and note carries `format`. What has none was written before there were any, and
is read as format 0. Each kind of file has a number of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cryptoelt.clock import parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

log = logging.getLogger("cryptoelt.metadata")

#: The key under which every record says its format.
FORMAT = "format"
#: The format of what was written before formats were numbered.
UNNUMBERED = 0
#: Files that were named already.
_NAMED: set[str] = set()

_T = TypeVar("_T")


class FormatError(ValueError):
    """A record is not of a form that this program reads; the message says why."""


class NewerFormatError(FormatError):
    """A record was made by a newer cryptoelt."""


@dataclass(frozen=True)
class Record:
    """The values of a JSON object, by name and type.

    A value that is missing or null is the default; where there is none, or a value has another type, it is an error.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, value: object, newest: int | None = None) -> Record:
        """Take a JSON value for a record of a format up to `newest`; None for an object inside another.

        Raises:
            NewerFormatError: its format is above that.
            FormatError: it is not an object, or its format is not a number.
        """
        if not isinstance(value, dict):
            raise FormatError("it is not a JSON object")
        record = cls(value)
        if newest is not None and (found := record.number(FORMAT, UNNUMBERED)) > newest:
            raise NewerFormatError(f"it is of format {found}, made by a newer cryptoelt; this one reads up to {newest}")
        return record

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text."""
        return self._typed(name, str, "a text", default)

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number that is not negative."""
        value = self._typed(name, int, "a whole number", default)
        if isinstance(value, bool) or value < 0:
            raise FormatError(f"{name} is not a whole number from 0")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001 - a default like the others
        """Return a truth value."""
        return self._typed(name, bool, "true or false", default)

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts."""
        found = self._typed(name, (list, tuple), "a list", default)
        if not all(isinstance(text, str) for text in found):
            raise FormatError(f"{name} is not a list of texts")
        return tuple(found)

    def moment(self, name: str) -> datetime:
        """Return a moment, written as ISO 8601."""
        try:
            return parse_iso(self.text(name))
        except FormatError:
            raise
        except (ValueError, OverflowError) as exc:
            raise FormatError(f"{name} is not a moment") from exc

    def has(self, name: str) -> bool:
        """Tell whether there is a value."""
        return self.values.get(name) is not None

    def _typed(self, name: str, type_: type[_T] | tuple[type[_T], ...], called: str, default: _T | None) -> _T:
        value = self.values.get(name)
        if value is None:
            value = default
        if value is None:
            raise FormatError(f"it has no {name}")
        if not isinstance(value, type_):
            raise FormatError(f"{name} is not {called}")
        return value


def name_once(path: Path | str, message: str) -> None:
    """Tell a person, once in a process, that a file holds what is not understood and is passed over."""
    if str(path) not in _NAMED:
        _NAMED.add(str(path))
        fields = {"path": str(path), "message": message}
        log.warning("file.not_understood", extra={"fields": fields, "told": f"warning: {message}"})
