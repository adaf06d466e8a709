"""The envelope around every answer: `status` and `data`, in the form of the endpoint's version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.market.noise import uniform
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.sandbox.endpoints.base import Content

_FIRST_VERSION_WITH_TEXT_CODES = 3


def envelope(version: int, now: datetime, content: Content, credit_count: int) -> dict[str, Any]:
    """Return a good answer; whether `status` or `data` comes first is left to chance, as it is with the API."""
    status = _status(version, now, 0, "", credit_count)
    if version < _FIRST_VERSION_WITH_TEXT_CODES:
        status["notice"] = None
    status |= content.status
    if uniform("key order", now.timestamp()) < 0.5:
        return {"status": status, "data": content.data}
    return {"data": content.data, "status": status}


def error_envelope(version: int, now: datetime, error_code: int, message: str) -> dict[str, Any]:
    """Return an error answer: no data, no notice, nothing charged."""
    return {"status": _status(version, now, error_code, message, 0)}


def _status(version: int, now: datetime, error_code: int, message: str, credit_count: int) -> dict[str, Any]:
    as_text = version >= _FIRST_VERSION_WITH_TEXT_CODES
    return {
        "timestamp": api_time(now.timestamp()),
        "error_code": str(error_code) if as_text else error_code,
        "error_message": message if as_text or message else None,
        "elapsed": 1 + int(20 * uniform("elapsed", now.timestamp())),
        "credit_count": credit_count,
    }


def as_body(payload: dict[str, Any]) -> bytes:
    """Write a payload as UTF-8 JSON; what UTF-8 cannot hold (half a surrogate pair) is written as its escape."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
