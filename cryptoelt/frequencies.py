"""Which endpoint and which table belongs to which frequency, in the order in which they run.

The endpoints are those of the API catalogue, the tables those of the table catalogue; this module only groups them.
"""

from __future__ import annotations

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import UsageError
from cryptoelt.tables import TABLES

#: Frequencies, with the crontab line that starts them (UTC).
FREQUENCIES: dict[str, str] = {"10x": "30,40,50 10-19 * * 1-5"}


def endpoints_of(frequency: str) -> list[str]:
    """Return the endpoints of a frequency, in order.

    Raises:
        UsageError: there is no such frequency.
    """
    _require(frequency)
    return [name for name, endpoint in ENDPOINTS.items() if frequency in endpoint.frequencies]


def tables_of(frequency: str) -> list[str]:
    """Return the tables of a frequency, parents before children.

    Raises:
        UsageError: there is no such frequency.
    """
    _require(frequency)
    return [name for name, table in TABLES.items() if frequency in table.frequencies]


def _require(frequency: str) -> None:
    if frequency not in FREQUENCIES:
        raise UsageError(f"unknown frequency {frequency!r}", hint=f"one of: {', '.join(FREQUENCIES)}")
