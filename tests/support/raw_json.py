"""Takes JSON apart without reading it: every part keeps the text it was recorded as, digits and blanks included."""

from __future__ import annotations

import json
import re

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"\s*")


def members(text: str) -> dict[str, str]:
    """Return the members of an object by their keys, each as its own text."""
    found: dict[str, str] = {}
    position = _after(text, _skip(text, 0), "{")
    while text[position] != "}":
        key, position = _DECODER.raw_decode(text, position)
        start = _after(text, _skip(text, position), ":")
        position = _DECODER.raw_decode(text, start)[1]
        found[key] = text[start:position]
        position = _next(text, position)
    return found


def items(text: str) -> list[str]:
    """Return the items of a list, each as its own text."""
    found: list[str] = []
    position = _after(text, _skip(text, 0), "[")
    while text[position] != "]":
        end = _DECODER.raw_decode(text, position)[1]
        found.append(text[position:end])
        position = _next(text, end)
    return found


def _next(text: str, position: int) -> int:
    position = _skip(text, position)
    return _skip(text, position + 1) if text[position] == "," else position


def _after(text: str, position: int, character: str) -> int:
    if text[position] != character:
        msg = f"{character} expected at {position} of {text[:40]!r}"
        raise ValueError(msg)
    return _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return position if match is None else match.end()
