"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=50_000)
def api_time(moment: float) -> str:
    """Write unix seconds as ISO 8601 with milliseconds and Z; parts of a millisecond are cut off."""
    milliseconds = int(moment * 1000 + 1e-4)
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
