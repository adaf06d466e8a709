"""Writes the small recorded set."""

from __future__ import annotations

from tests.support.making import texts
from tests.support.recordings import SMALL

for path, text in texts().items():
    target = SMALL / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
