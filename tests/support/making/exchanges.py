"""Answers about exchanges: maps, infos and wallets."""

from __future__ import annotations

import json
from typing import Any

from tests.support.making.answers import Row, answer, data_first, raw
from tests.support.making.coins import COINS


def exchange(id_: int, name: str, slug: str, **dates: str) -> Row:
    """Return a row of exchange/map; `is_listed` is 0 for every exchange."""
    first = {"first_historical_data": "2018-04-26T00:45:00.000Z", "last_historical_data": "2025-02-08T22:35:00.000Z"}
    return {"id": id_, "name": name, "slug": slug, "is_active": 1, "is_listed": 0, "is_redistributable": 1} | (
        first | dates
    )


def exchange_maps() -> dict[str, Any]:
    """Return maps of exchanges: first later than last by a millisecond, one name twice, slugs unlike the name."""
    moments = {"first_historical_data": "2025-02-08T15:47:20.655Z", "last_historical_data": "2025-02-08T15:47:20.654Z"}
    old = [
        exchange(11, "Tidewater", "tidewater"),
        exchange(12, "Solidly", "solidly"),
        exchange(13, "solidly ", "solidly-v2"),
        exchange(14, "Sideways", "sideways", **moments),
    ]
    new = [exchange(15, "BASE-X", "ekbit"), exchange(11, "Tidewater", "tidewater")]
    return {
        "2025-02-08_4rows": answer("2025-02-08T22:41:00.000Z", old),
        "2026-09-24_2rows_by_volume": data_first(answer("2026-09-24T23:37:56.293Z", new)),
    }


def exchange_info(id_: int, name: str, slug: str, **more: Any) -> Row:
    """Return a record of exchange/info."""
    links: dict[str, list[str]] = {name: [] for name in ("twitter", "blog", "website", "chat", "actual", "fee")}
    urls = {**links, "website": [f"https://{slug}.example/"], "fee": ["0.25%"]}
    texts = {"description": "## What Is It?\n\nAn exchange. ", "notice": "", "logo": "https://img.example/x.png"}
    first = {"id": id_, "name": name, "slug": slug, **texts, "countries": ["Dubai", " MT"], "fiats": [], "urls": urls}
    switch = json.dumps({"totalAssetSwitch": 1, "auditSwitch": 1})
    por = {"tags": None, "type": "", "porStatus": 1, "porAuditStatus": 0, "walletSourceStatus": 0, "porSwitch": switch}
    flags = {"date_launched": "2017-07-01T00:00:00.000Z", "is_hidden": 0, "is_redistributable": 1}
    volume = {"spot_volume_usd": 1234567890.0987654, "spot_volume_last_updated": "2026-09-25T00:10:17.066Z"}
    return {**first, **por, **flags, "maker_fee": 0, "taker_fee": 0.02, **volume, "weekly_visits": 1234567, **more}


def exchange_infos() -> dict[str, Any]:
    """Return infos: one closed, one that lists a currency twice, one that pays its traders."""
    nothing = dict.fromkeys(
        ("description", "spot_volume_usd", "spot_volume_last_updated", "weekly_visits", "date_launched")
    )
    closed = exchange_info(14, "Sideways", "sideways", **nothing, notice="Closed for good.", fiats=[])
    fiats = ["USD", " HKD", "AUD ", " PHP ", "", " BRL  EUR", "USD", "HKD"]
    newer = {"algorithm": None, "alertLink": "", "profileCompletionScore": {"point": 90, "detailList": []}}
    urls = {"website": [], "twitter": ["https://x.example/base\r\n"], "blog": [], "fee": [], "register": []}
    generous = {"maker_fee": -0.01, "fiats": fiats, "notice": None, "on_ramp_p2p": "USD, EUR", **newer, "urls": urls}
    plain = exchange_info(11, "Tidewater", "tidewater", fiats=["Eur"], **newer)
    return {
        "2024-01-19_1exchanges": answer("2024-01-19T10:00:00.000Z", {"14": closed}),
        "2026-09-25_2exchanges": data_first(
            answer("2026-09-25T00:12:21.985Z", {"15": exchange_info(15, "BASE-X", "ekbit", **generous), "11": plain})
        ),
    }


_EVM = "0xA1b2C3d4E5f60718293a4B5c6D7e8F9001122334"


def wallet(address: str, balance: float | str, id_: int, price: float | str, chain: str = "Etherion") -> Row:
    """Return a row of exchange/assets."""
    chains = {"Etherion": ("ETN", 9), "Base": ("-", 27716), "Hedera": ("HBAR", 4642), "BNB": ("BNB", 1839)}
    symbol, number = chains[chain]
    name, of_coin, _ = COINS[id_]
    where = {"symbol": symbol, "name": chain, "crypto_id": number}
    currency = {"symbol": of_coin, "name": name, "crypto_id": id_, "price_usd": price}
    return {"balance": balance, "platform": where, "currency": currency, "wallet_address": address}


def in_older_order(row: Row) -> Row:
    """Return a row of exchange/assets in the order of 2024."""
    where, coin = row["platform"], row["currency"]
    return {
        **{name: row[name] for name in ("wallet_address", "balance")},
        "platform": {name: where[name] for name in ("crypto_id", "symbol", "name")},
        "currency": {name: coin[name] for name in ("crypto_id", "price_usd", "symbol", "name")},
    }


def wallets() -> dict[str, Any]:
    """Return wallets: a key with two balances, a wallet in two spellings, numbers that no double holds."""
    padded, exponent = raw("3.141592653589793000000000000000"), raw("5.15253545556575850000000E-7")
    largest = [
        wallet(_EVM.lower(), raw("21500000.00"), 2, padded, "BNB"),
        wallet(_EVM.lower(), raw("310000099.25"), 2, padded, "BNB"),
        wallet(_EVM, 712345.67, 2, padded),
        wallet(_EVM.lower(), 712345.67, 2, padded),
        wallet(_EVM, 712345.67, 2, padded, "Base"),
        wallet("0.0.123456", raw("412345678901234.57"), 7, exponent, "Hedera"),
        wallet("tidewatercold3.near", 6.12, 8, raw("71234.560000000000000000000000"), "Hedera"),
        wallet("UQabCdEf_gh-Ij0kL", 1000, 10, 2000.5),
        wallet("uqabcdef_gh-ij0kl", 1000, 10, 2000.5),
    ]
    earlier = [wallet(_EVM, 12345678, 2, 7), wallet("0.0.123456", 2.8e16, 7, 1.4e-9, "Hedera")]
    moment = "2026-09-24T23:37:58.673Z"
    return {
        "2024-01-19_id11_2rows": answer("2024-01-19T10:00:00.000Z", [in_older_order(row) for row in earlier]),
        "2026-09-24_id11_9rows": data_first(answer(moment, largest)),
        "2026-09-24_id12_1rows": data_first(answer(moment, [wallet(_EVM, 712345.67, 2, padded)])),
        "2026-09-24_id13_0rows": data_first(answer(moment, [])),
    }
