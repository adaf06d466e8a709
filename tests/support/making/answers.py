"""How answers look: their envelope, and numbers that are written as a server writes them."""

from __future__ import annotations

import json
import re
from typing import Any

Row = dict[str, Any]
#: Most, circulating and total.
Supplies = tuple[float | None, float, float]
#: A number, or the text of one.
Price = float | str
_RAW = re.compile(r'"@@(.*?)@@"')


def raw(number: str) -> str:
    """Mark the text of a number that is to be written as it is: padded, or with an exponent."""
    return f"@@{number}@@"


def dumped(value: Any, indent: int | None = None) -> str:
    """Return JSON as a server sends it, or as somebody has indented it."""
    separators = (",", ":") if indent is None else None
    return _RAW.sub(r"\1", json.dumps(value, ensure_ascii=False, indent=indent, separators=separators))


def answer(moment: str, data: Any, *, credits: int = 1, **more: Any) -> Row:
    """Return an answer of v1: the status first."""
    status = {"timestamp": moment, "error_code": 0, "error_message": None, "elapsed": 9, "credit_count": credits}
    return {"status": {**status, "notice": None, **more}, "data": data}


def answer_of_v3(moment: str, data: Any) -> Row:
    """Return an answer of v3: the data first, the code a text, no notice and no number of rows."""
    status = {"timestamp": moment, "error_code": "0", "error_message": "", "elapsed": 9, "credit_count": 1}
    return {"data": data, "status": status}


def data_first(whole: Row) -> Row:
    """Return an answer in the order of 2026."""
    return {"data": whole["data"], "status": whole["status"]}
