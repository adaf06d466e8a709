"""The envelope of every answer, read so that no oddity of it is taken for something else.

Records keep the exact text they were sent as: the positions of values are taken from the JSON decoder itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.api.answer import RawRecord
from cryptoelt.clock import parse_iso

if TYPE_CHECKING:
    from datetime import datetime

_DECODER = json.JSONDecoder()
_DIGITS = re.compile(r"\s*[0-9]{1,18}\s*")
_BLANKS = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Envelope:
    """An answer's status and records; None where the answer does not say, or not in a form that can be read.

    Attributes:
        has_status: whether there is a `status` object.
        error_code: `status.error_code`, as a number whether it was sent as one or as a string.
        error_message: `status.error_message`, "" where there is none.
        credits: `status.credit_count`.
        elapsed: `status.elapsed`, in milliseconds.
        total_count: `status.total_count`.
        server_time: `status.timestamp`.
        records: the items of `data`, or `data` itself as the only one when it is an object; None when `data` is
            missing or neither a list nor an object.
        is_list: whether `data` is a list.
    """

    has_status: bool
    error_code: int | None
    error_message: str
    credits: int | None
    elapsed: int | None
    total_count: int | None
    server_time: datetime | None
    records: list[RawRecord] | None
    is_list: bool


def parse_envelope(body: bytes) -> Envelope | None:
    """Read an answer's body; None when it is not a JSON object (an HTML page, nothing, a body cut off)."""
    try:
        text = body.decode("utf-8-sig")
        members = _top_level(text)
        records = None if "data" not in members else _records(text, *members["data"])
        status = None if "status" not in members else _DECODER.raw_decode(text, members["status"][0])[0]
    except (ValueError, RecursionError):
        return None
    has_status = isinstance(status, dict)
    fields: dict[str, Any] = status if isinstance(status, dict) else {}
    message = fields.get("error_message")
    return Envelope(
        has_status=has_status,
        error_code=whole_number(fields.get("error_code")),
        error_message=message if isinstance(message, str) else "",
        credits=whole_number(fields.get("credit_count")),
        elapsed=whole_number(fields.get("elapsed")),
        total_count=whole_number(fields.get("total_count")),
        server_time=moment_of(fields.get("timestamp")),
        records=records,
        is_list="data" in members and text[members["data"][0]] == "[",
    )


def members_of(record: RawRecord) -> dict[str, RawRecord]:
    """Return the members of a record that is an object, each with the text it was sent as."""
    raw = record.raw
    return {key: RawRecord(record.value[key], raw[start:end]) for key, (start, end) in _top_level(raw).items()}


def items_of(record: RawRecord) -> list[RawRecord] | None:
    """Return the items of a record that is a list, each with the text it was sent as; None where it is no list."""
    return _records(record.raw, 0, len(record.raw)) if isinstance(record.value, list) else None


def whole_number(value: object) -> int | None:
    """Return a whole, non-negative number sent as a number or as a string; None for anything else."""
    if isinstance(value, str):
        value = int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _top_level(text: str) -> dict[str, tuple[int, int]]:
    """Return where each member's value of the top-level object begins and ends; of equal keys the last counts."""
    members: dict[str, tuple[int, int]] = {}
    position = _expect(text, _skip(text, 0), "{")
    if text[position : position + 1] == "}":
        position += 1
    else:
        while True:
            key, position = _DECODER.raw_decode(text, position)
            if not isinstance(key, str):
                msg = "a key that is not a string"
                raise ValueError(msg)  # noqa: TRY004 - not JSON, like every other ValueError here
            start = _expect(text, _skip(text, position), ":")
            _, end = _DECODER.raw_decode(text, start)
            members[key] = (start, end)
            position = _skip(text, end)
            if text[position : position + 1] != ",":
                break
            position = _skip(text, position + 1)
        position = _expect(text, position, "}")
    if _skip(text, position) != len(text):
        msg = "something follows the object"
        raise ValueError(msg)
    return members


def _records(text: str, start: int, end: int) -> list[RawRecord] | None:
    if text[start] == "{":
        raw = text[start:end]
        return [RawRecord(_DECODER.decode(raw), raw)]
    if text[start] != "[":
        return None
    records: list[RawRecord] = []
    position = _skip(text, start + 1)
    while text[position] != "]":
        value, after = _DECODER.raw_decode(text, position)
        records.append(RawRecord(value, text[position:after]))
        position = _skip(text, after)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return records


def _skip(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return position if match is None else match.end()


def _expect(text: str, position: int, character: str) -> int:
    if text[position : position + 1] != character:
        msg = f"{character} expected at {position}"
        raise ValueError(msg)
    return _skip(text, position + 1)


def moment_of(value: object) -> datetime | None:
    """Return a moment sent as ISO 8601; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return parse_iso(value)
    except (ValueError, OverflowError):  # the latter: an offset that leaves the calendar
        return None
