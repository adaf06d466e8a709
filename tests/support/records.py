"""What each table takes from the records that are sent, said a second time and without the code under test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tests.support.expected import address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Record = dict[str, Any]
    Reader = Callable[[Record], Any]

_BLANKS = " \t\r\n"


def sent(*path: str) -> Reader:
    """Read a value as it is."""

    def read(record: Record) -> Any:
        value: Any = record
        for name in path:
            value = None if value is None else value.get(name)
        return value

    return read


def _read(convert: Callable[[Any], Any], *path: str) -> Reader:
    """Read a value and convert it; None stays None."""
    read = sent(*path)
    return lambda record: None if (value := read(record)) is None else convert(value)


def text(*path: str) -> Reader:
    """Read a text without blanks around it; the empty text is None."""
    return _read(lambda value: value.strip(_BLANKS) or None, *path)


def texts(*path: str) -> Reader:
    """Read a list of texts without blanks around them and without empty ones."""
    return _read(lambda value: tuple(filter(None, (item.strip(_BLANKS) for item in value))), *path)


def first(*path: str) -> Reader:
    """Read the first of a list of texts."""
    return _read(lambda value: value[0].strip(_BLANKS) or None if value else None, *path)


def number(*path: str) -> Reader:
    """Read a number as the double it is."""
    return _read(float, *path)


def day(*path: str) -> Reader:
    """Read the day of a time."""
    return _read(lambda value: date.fromisoformat(value[:10]), *path)


def second(*path: str) -> Reader:
    """Read a time as the text that the warehouse makes of it."""
    return _read(lambda value: f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}", *path)


def in_dollars(name: str) -> Reader:
    """Read a figure of the one quote of a coin."""
    return lambda record: number(name)(record["quote"][0])


@dataclass(frozen=True)
class Taken:
    """What a table takes from a record.

    Attributes:
        columns: column of the warehouse -> how it is read from a record; the key's columns first.
        key: how many columns the key has.
        also: what else is read of a record, and makes it unfit.
    """

    columns: dict[str, Reader]
    key: int = 1
    also: tuple[Reader, ...] = ()

    def rows(self, records: Iterable[Record]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Return the row of each key: of the last record that can be stored."""
        found = {}
        for record in records:
            row = tuple(read(record) for read in self.columns.values())
            read = [*row, *(also(record) for also in self.also)]
            if "\\u0000" not in json.dumps(read, default=str):
                found[row[: self.key]] = row
        return found


_EXCHANGE = {"exchange_id": sent("id")}
_COIN = {"crypto_id": sent("id")}
_NAMES = (text("name"), text("symbol"), text("slug"))

#: Stable dimensions: all columns whose change makes a new version.
DIMENSIONS: dict[str, Taken] = {
    "dim_exchange_id": Taken({**_EXCHANGE, "name": text("name")}),
    "dim_exchange_info": Taken(
        {
            **_EXCHANGE,
            "slug": text("slug"),
            "description": text("description"),
            "date_launched": second("date_launched"),
            "logo_url": text("logo"),
            "website_url": first("urls", "website"),
            "twitter_url": first("urls", "twitter"),
            "blog_url": first("urls", "blog"),
            "fee_url": first("urls", "fee"),
            "fiats": texts("fiats"),
        },
        also=(text("name"),),
    ),
    "dim_crypto_id": Taken(
        {
            **_COIN,
            "name": text("name"),
            "symbol": text("symbol"),
            "slug": text("slug"),
            "platform_id": sent("platform", "id"),
            "platform_name": text("platform", "name"),
            "platform_symbol": text("platform", "symbol"),
            "platform_token_address": text("platform", "token_address"),
        }
    ),
    "dim_crypto_info": Taken(
        {
            **_COIN,
            "slug": text("slug"),
            "date_launched": day("date_launched"),
            "date_added": day("date_added"),
            "category": text("category"),
            "tags": texts("tags"),
            "logo_url": text("logo"),
            "website_url": first("urls", "website"),
            "technical_doc_url": first("urls", "technical_doc"),
            "explorer_url": first("urls", "explorer"),
            "source_code_url": first("urls", "source_code"),
            "twitter_url": first("urls", "twitter"),
        },
        also=(*_NAMES, text("description")),
    ),
    "dim_crypto_category": Taken(
        {
            "category_id": text("id"),
            "name": text("name"),
            "title": text("title"),
            "description": text("description"),
        }
    ),
}

#: Tables of one row a key and snapshot: figures that people look at.
SNAPSHOTS: dict[str, Taken] = {
    "dim_exchange_map": Taken({**_EXCHANGE, "is_active": lambda record: record["is_active"] != 0}),
    "fact_exchange_info": Taken(
        {
            **_EXCHANGE,
            "maker_fee": number("maker_fee"),
            "taker_fee": number("taker_fee"),
            "weekly_visits": sent("weekly_visits"),
            "spot_volume_usd": number("spot_volume_usd"),
        },
        also=(text("name"),),
    ),
    "dim_crypto_map": Taken({**_COIN, "rank": sent("rank"), "is_active": sent("is_active")}),
    "fact_crypto_market": Taken(
        {
            **_COIN,
            "cmc_rank": sent("cmc_rank"),
            "circulating_supply": number("circulating_supply"),
            "max_supply": number("max_supply"),
            "price_usd": in_dollars("price"),
            "volume_24h_usd": in_dollars("volume_24h"),
            "market_cap_usd": in_dollars("market_cap"),
            "market_cap_dominance_usd": in_dollars("market_cap_dominance"),
        },
        also=_NAMES,
    ),
    "fact_exchange_assets": Taken(
        {
            "exchange_id": sent("exchange_id"),
            "blockchain_name": text("platform", "name"),
            "wallet_address": lambda record: address(record["wallet_address"]),
            "crypto_id": sent("currency", "crypto_id"),
            "balance::double precision": number("balance"),
            "currency_price_usd": number("currency", "price_usd"),
        },
        key=5,
        also=(text("platform", "symbol"), text("currency", "name"), text("currency", "symbol")),
    ),
    "fact_crypto_category": Taken(
        {
            "category_id": text("id"),
            "num_tokens": sent("num_tokens"),
            "market_cap": number("market_cap"),
            "volume": number("volume"),
        }
    ),
    "fact_global_market": Taken(
        {
            "btc_dominance": number("btc_dominance"),
            "total_market_cap": number("quote", "USD", "total_market_cap"),
            "total_volume_24h": number("quote", "USD", "total_volume_24h"),
            "altcoin_market_cap": number("quote", "USD", "altcoin_market_cap"),
        },
        key=0,
    ),
    "fact_market_sentiment": Taken(
        {"fear_greed_score": sent("value"), "sentiment_label": text("value_classification")}, key=0
    ),
}

#: The points of the index's history; each stands at its own time.
POINTS = Taken(
    {"at": _read(int, "timestamp"), "fear_greed_score": sent("value"), "sentiment_label": text("value_classification")}
)
#: The coins on the pages of a category.
MEMBERS = Taken(_COIN, also=(text("name"), text("symbol")))


def records_of(endpoint: str, parameters: dict[str, str], data: Any) -> list[Record]:
    """Return the records of an answer."""
    match endpoint:
        case "exchange/info" | "cryptocurrency/info":
            return list(data.values())
        case "exchange/assets":
            return [{"exchange_id": int(parameters["id"]), **record} for record in data]
        case "cryptocurrency/category":
            return list(data["coins"])
        case _:
            return data if isinstance(data, list) else [data]
