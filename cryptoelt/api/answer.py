"""What a call brought back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class RawRecord:
    """One record of an answer: its value, and the exact JSON text it was sent as."""

    value: Any
    raw: str


@dataclass(frozen=True)
class Answer:
    """An answer received whole, with error_code 0.

    Attributes:
        call_id: identity of the try that brought it; its line is in `metadata/calls/`.
        endpoint: the endpoint's name.
        records: the items of `data` when it is a list; else one record, `data` itself.
        requested_at: when it was sent for, by our clock.
        server_time: `status.timestamp`, else the header `Date`, aware UTC; None when the answer has neither.
        http_date: the header `Date`, aware UTC, where it is sent; the only witness when `status.timestamp` is wrong.
        credits: what the call cost, by `status.credit_count`.
        total_count: `status.total_count` where the endpoint sends it.
        sha256: checksum of the body as received.
        is_list: whether `data` was a list.
        elapsed_ms: how long it took, from sending to the last byte.
    """

    call_id: str
    endpoint: str
    parameters: dict[str, str]
    requested_at: datetime
    server_time: datetime | None
    records: list[RawRecord]
    credits: int
    total_count: int | None
    sha256: str
    is_list: bool = False
    elapsed_ms: int = 0
    http_date: datetime | None = None
