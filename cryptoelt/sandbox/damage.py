"""Spoils the payload of a good answer, the way a kind of fault says."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptoelt.sandbox.endpoints.base import Endpoint

Payload = dict[str, Any]

_WRONG: tuple[Callable[[Any], Any], ...] = (
    lambda _: "many",
    str,
    lambda value: [value],
    lambda value: {"amount": value},
    lambda _: True,
)


def damage(kind: str, value: str, payload: Payload, endpoint: Endpoint, *, is_named: bool = True) -> None:
    """Spoil a payload in place.

    Args:
        kind: the kind of the fault.
        value: its value.
        payload: envelope and data.
        endpoint: whose answer it is.
        is_named: whether the fault names this endpoint; one for every endpoint passes over those without its field.

    Raises:
        Refusal: the fault names a field that the answer does not have.
    """
    records = endpoint.records(payload["data"]) if "data" in payload else []
    if kind in _PAYLOAD:
        _PAYLOAD[kind](payload)
    elif kind in _FIELDS:
        objects = [record for record in records if isinstance(record, dict)]
        only_id, _, field = value.rpartition(".")
        if only_id:
            objects = [record for record in objects if str(record.get("id")) == only_id]
            if not objects:
                raise Refusal(500, 500, f'The fault names the record "{only_id}", which is no part of this answer.')
        elif (
            field and isinstance(payload["data"], dict) and field in payload["data"] and not _somewhere(objects, field)
        ):
            objects = [payload["data"]]  # a field of what holds the records
        if is_named or kind not in _OF_ALL or _somewhere(objects, field):
            _FIELDS[kind](objects, field)
    elif kind == "short_list":
        del records[int(value) :]
    elif kind in _RECORDS and records:
        _RECORDS[kind](records)


def _empty_data(payload: Payload) -> None:
    payload["data"] = type(payload["data"])()


def _no_data(payload: Payload) -> None:
    del payload["data"]


def _no_status(payload: Payload) -> None:
    del payload["status"]


_PAYLOAD: dict[str, Callable[[Payload], None]] = {
    "empty_data": _empty_data, "no_data": _no_data, "no_status": _no_status,
}  # fmt: skip


def _some(records: list[Payload]) -> list[Payload]:
    """Return every third record, or the only ones there are."""
    return records[1::3] or records


def _objects(value: Any) -> Iterator[Payload]:
    """Yield an object and every object inside it."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _numbers(record: Payload) -> list[str]:
    return [
        name
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name != "id"
    ]


def _somewhere(records: list[Payload], only: str) -> bool:
    return any(only in inner for record in records for inner in _objects(record))


def _require(records: list[Payload], only: str) -> None:
    """Say aloud that a fault cannot strike: one that spoils nothing would let every test pass."""
    if only and not _somewhere(records, only):
        raise Refusal(500, 500, f'The fault names the field "{only}", which is no part of this answer.')


def _wrong_type(records: list[Payload], only: str) -> None:
    _require(_some(records), only)
    for turn, record in enumerate(_some(records)):
        for inner in list(_objects(record)):
            names = [name for name in inner if name == only] if only else _numbers(inner)
            if names:
                name = names[turn % len(names)]
                inner[name] = _WRONG[turn % len(_WRONG)](inner[name])


def _missing_field(records: list[Payload], only: str) -> None:
    _require(_some(records), only)
    for turn, record in enumerate(_some(records)):
        for inner in list(_objects(record)):
            names = [name for name in inner if name == only] if only else list(inner)
            if names:
                del inner[names[turn % len(names)]]


def _all_missing(records: list[Payload], only: str) -> None:
    _require(records, only)
    for record in records:
        for inner in list(_objects(record)):
            inner.pop(only, None)


def _all_text(records: list[Payload], only: str) -> None:
    _require(records, only)
    for record in records:
        for inner in _objects(record):
            if only in inner:
                inner[only] = str(inner[only])


def _unknown_field(records: list[Payload], _: str) -> None:
    for record in records:
        record |= {"brand_new_number": 7.25, "brand_new_object": {"nested": ["text", None]}}


def _nan_token(records: list[Payload], _: str) -> None:
    for record in records[-1:]:
        name = next(name for inner in _objects(record) for name in _numbers(inner))
        next(inner for inner in _objects(record) if name in inner)[name] = float("nan")


def _in_a_text(mark: str) -> Callable[[list[Payload], str], None]:
    def spoil(records: list[Payload], _: str) -> None:
        for record in records[-1:]:
            spots = [(inner, name) for inner in _objects(record) for name in inner if isinstance(inner[name], str)]
            spots.sort(key=lambda spot: spot[1] == "id" or spot[1].endswith(("_updated", "_time", "timestamp", "Date")))
            inner, name = spots[0]
            middle = len(inner[name]) // 2
            inner[name] = inner[name][:middle] + mark + inner[name][middle:]

    return spoil


_FIELDS: dict[str, Callable[[list[Payload], str], None]] = {
    "wrong_type": _wrong_type,
    "missing_field": _missing_field,
    "all_missing": _all_missing,
    "all_text": _all_text,
    "unknown_field": _unknown_field,
    "nan_token": _nan_token,
    "nul_in_text": _in_a_text("\u0000"),
    "lone_surrogate": _in_a_text("\ud83d"),
}


#: Those that have a field by default, which not every endpoint has.
_OF_ALL = {"all_missing", "all_text"}


def _duplicate(records: list[Any]) -> None:
    records.append(deepcopy(records[0]))


def _conflicting_duplicate(records: list[Any]) -> None:
    copy = deepcopy(records[0])
    name = _numbers(copy)[0]
    copy[name] = copy[name] * 2 + 1
    records.append(copy)


def _null_record(records: list[Any]) -> None:
    records.insert(1, None)


_RECORDS: dict[str, Callable[[list[Any]], None]] = {
    "duplicate_record": _duplicate,
    "conflicting_duplicate": _conflicting_duplicate,
    "null_record": _null_record,
}
