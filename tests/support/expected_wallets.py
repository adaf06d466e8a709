"""What fact_exchange_assets must hold of an answer of exchange/assets, worked out from its text and nothing else.

A wallet, its blockchain and its coin are no key: an exchange may list them twice with different balances, and `entry`
tells these apart, the largest first. `0x` and 40 hexadecimal digits is one wallet in any case of letters; what then has
the balance of another record of its key is that record.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.support.expected import address, number, product, text
from tests.support.raw_json import items

if TYPE_CHECKING:
    from datetime import datetime

Row = dict[str, Any]


@dataclass(frozen=True)
class Wallets:
    """The rows of one answer: what is stored, and how many records repeat another; none is set aside."""

    rows: list[Row]
    repeated: int


def wallets(data: str, exchange_id: int, snapshot: datetime) -> Wallets:
    """Return the rows for the text of an answer's `data`.

    Args:
        data: a list of records.
        exchange_id: who was asked.
        snapshot: when.
    """
    of_key: dict[tuple[Any, ...], list[tuple[Decimal, str, Row]]] = defaultdict(list)
    records = items(data)
    for raw in records:
        sent = json.loads(raw, parse_float=Decimal)
        row = _row(sent, exchange_id, snapshot)
        key = row["blockchain_name"], row["wallet_address"], row["crypto_id"]
        of_key[key].append((Decimal(sent["balance"]), raw, row))
    rows, repeated = list[Row](), 0
    for found in of_key.values():
        first: dict[Decimal, Row] = {}
        for amount, _, row in sorted(found, key=lambda one: (-one[0], one[1])):
            first.setdefault(amount, row)
        rows += [{**row, "entry": entry} for entry, row in enumerate(first.values(), start=1)]
        repeated += len(found) - len(first)
    return Wallets(rows, repeated)


def worth(data: str) -> Decimal:
    """Return what the records of an answer are worth together, each of them once, to the last digit."""
    seen: dict[tuple[Any, ...], Decimal] = {}
    for raw in sorted(items(data), reverse=True):
        sent = json.loads(raw, parse_float=Decimal)
        amount, price = Decimal(sent["balance"]), Decimal(sent["currency"]["price_usd"])
        key = sent["platform"]["name"], address(sent["wallet_address"]), sent["currency"]["crypto_id"], amount
        seen[key] = amount * price
    return sum(seen.values(), Decimal(0))


def _row(sent: Row, exchange_id: int, snapshot: datetime) -> Row:
    chain, coin, balance = sent["platform"], sent["currency"], float(sent["balance"])
    return {
        "exchange_id": exchange_id,
        "blockchain_name": text(chain["name"]),
        "blockchain_symbol": text(chain["symbol"]),
        "wallet_address": address(sent["wallet_address"]),
        "crypto_id": coin["crypto_id"],
        "snapshot_timestamp": snapshot,
        "snapshot_str": f"{snapshot:%Y-%m-%d %H:%M:%S}",
        "balance": Decimal(sent["balance"]),
        "currency_price_usd": number(coin["price_usd"]),
        "total_usd_value": product(balance, coin["price_usd"]),
    }
