"""What the warehouse must hold, worked out from what the sandbox served and from nothing that was extracted.

The n-th good answer of an endpoint is the n-th snapshot of its table, since every run has a snapshot of its own.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import parse_iso
from tests.support.expected import address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptoelt.sandbox.server import SandboxServer
    from cryptoelt.warehouse.engine import Warehouse

_BLANKS = " \t\r\n"


def text(value: str | None) -> str | None:
    """Return a text without blanks around it; the empty text is NULL."""
    return None if value is None else value.strip(_BLANKS) or None


def number(value: Any) -> float | None:
    """Return a number as the double it is."""
    return None if value is None else float(value)


@dataclass(frozen=True)
class Answer:
    """One good answer: when, what was asked for, and its `data`."""

    at: datetime
    parameters: dict[str, str]
    data: Any


class Truth:
    """All that was served."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        for entry in sandbox.served():
            if entry["http_status"] == 200 and entry["error_code"] == 0:
                body = sandbox.served_body(entry["sequence"])
                assert body is not None, "the sandbox kept too few bodies for this test"
                answer = Answer(parse_iso(entry["at"]), entry["parameters"], json.loads(body)["data"])
                known = self.answers[entry["endpoint"]]
                if isinstance(answer.data, list) and answer.parameters.get("start", "1") != "1":
                    known[-1].data.extend(answer.data)  # a further page of the same list
                else:
                    known.append(answer)

    def rows(self, endpoint: str) -> list[Any]:
        """Return the records of a list endpoint, one list an answer."""
        return [answer.data for answer in self.answers[endpoint]]


class Found:
    """What a warehouse holds."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(self._warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def by_snapshot(self, table: str, columns: str) -> list[tuple[datetime, list[tuple[Any, ...]]]]:
        """Return the rows of every snapshot of a table, oldest first."""
        found: dict[datetime, list[tuple[Any, ...]]] = defaultdict(list)
        for moment, *row in self.query(f"SELECT snapshot_timestamp, {columns} FROM dwh.{table} ORDER BY 1"):
            found[moment].append(tuple(row))
        return list(found.items())


def same(found: Iterable[tuple[Any, ...]], expected: Iterable[tuple[Any, ...]], what: str) -> None:
    """Compare rows whatever their order; none may be there twice."""
    ours, theirs = list(found), list(expected)
    missing, strange = set(theirs) - set(ours), set(ours) - set(theirs)
    assert not missing, (
        f"{what}: {len(missing)} rows are missing, such as {list(missing)[:3]}; found {list(strange)[:3]}"
    )
    assert not strange, f"{what}: {len(strange)} rows were never served, such as {list(strange)[:3]}"
    assert len(ours) == len(theirs), f"{what}: {len(ours)} rows, {len(theirs)} were served"


_QUOTED = (
    "price",
    "volume_24h",
    "percent_change_24h",
    "market_cap",
    "market_cap_dominance",
    "fully_diluted_market_cap",
)


def check_market(truth: Truth, found: Found) -> None:
    """Every listed coin of every answer is there, with the figures of its quote; dominance adds up as in the source."""
    columns = (
        "crypto_id, cmc_rank, circulating_supply, max_supply, price_usd, volume_24h_usd, percent_change_24h_usd,"
        " market_cap_usd, market_cap_dominance_usd, fully_diluted_market_cap_usd"
    )
    served = truth.rows("cryptocurrency/listings/latest")
    snapshots = found.by_snapshot("fact_crypto_market", columns)
    assert len(snapshots) == len(served) > 0
    for (moment, rows), records in zip(snapshots, served, strict=True):
        expected = []
        for record in records:
            quote = record["quote"]
            usd = quote["USD"] if isinstance(quote, dict) else quote[0]
            head = (
                record["id"],
                record["cmc_rank"],
                number(record["circulating_supply"]),
                number(record["max_supply"]),
            )
            expected.append((*head, *(number(usd[name]) for name in _QUOTED)))
        same(rows, expected, f"fact_crypto_market at {moment}")
        assert sum(row[8] or 0 for row in sorted(rows)) == sum(row[8] or 0 for row in sorted(expected))


def check_coins(truth: Truth, found: Found) -> None:
    """Every coin of every map is in the dimension under its newest name, and its ranks are in the evolving one."""
    maps = truth.rows("cryptocurrency/map")
    newest = {record["id"]: record for records in maps for record in records}
    names = found.query("SELECT crypto_id, name, symbol, slug FROM dwh.dim_crypto_id WHERE NOT is_inferred")
    expected = [(id_, text(r["name"]), text(r["symbol"]), text(r["slug"])) for id_, r in newest.items()]
    same(names, expected, "dim_crypto_id")
    snapshots = found.by_snapshot("dim_crypto_map", "crypto_id, rank")
    assert len(snapshots) == len(maps)
    for (moment, rows), records in zip(snapshots, maps, strict=True):
        same(rows, [(record["id"], record["rank"]) for record in records], f"dim_crypto_map at {moment}")
    referred = "SELECT count(*) FROM dwh.fact_crypto_market LEFT JOIN dwh.dim_crypto_id AS d USING (crypto_id)"
    assert found.query(f"{referred} WHERE d.crypto_id IS NULL") == [(0,)]


def check_coin_history(truth: Truth, found: Found) -> None:
    """A renamed coin has one row, and its former names are in the history with the right intervals."""
    maps = truth.answers["cryptocurrency/map"]
    moments = [moment for moment, _ in found.by_snapshot("dim_crypto_map", "crypto_id")]
    current: dict[int, tuple[Any, ...]] = {}
    former = []
    for moment, answer in zip(moments, maps, strict=True):
        for record in answer.data:
            platform = record.get("platform") or {}
            token = text(platform.get("token_address"))
            names = (text(record["name"]), text(record["symbol"]), text(record["slug"]), token)
            known = current.get(record["id"])
            if known is not None and known[1:] != names:
                former.append((record["id"], *known, moment))
            if known is None or known[1:] != names:
                current[record["id"]] = (moment, *names)
    columns = "crypto_id, valid_from, name, symbol, slug, platform_token_address, valid_to"
    same(found.query(f"SELECT {columns} FROM dwh.dim_crypto_id_history"), former, "dim_crypto_id_history")


def check_exchanges(truth: Truth, found: Found) -> None:
    """Every exchange of every map is there, with the fees of the newest info not later than the map."""
    maps = truth.answers["exchange/map"]
    newest = {record["id"]: text(record["name"]) for answer in maps for record in answer.data}
    same(
        found.query("SELECT exchange_id, name FROM dwh.dim_exchange_id WHERE NOT is_inferred"),
        newest.items(),
        "dim_exchange_id",
    )
    snapshots = found.by_snapshot("dim_exchange_map", "exchange_id, maker_fee, taker_fee, weekly_visits")
    assert len(snapshots) == len(maps)
    for (moment, rows), answer in zip(snapshots, maps, strict=True):
        infos: dict[int, Any] = {}
        for info in truth.answers["exchange/info"]:
            if info.at <= moment:  # a run's calls come after its snapshot's moment only where time goes on
                infos |= {record["id"]: record for record in info.data.values()}
        expected = []
        for record in answer.data:
            info = infos.get(record["id"], {})
            figures = (number(info.get("maker_fee")), number(info.get("taker_fee")), info.get("weekly_visits"))
            expected.append((record["id"], *figures))
        same(rows, expected, f"dim_exchange_map at {moment}")


def check_assets(truth: Truth, found: Found) -> None:
    """Every wallet row of every exchange is there; two chains with the same address stay two rows."""
    served: dict[int, list[list[Any]]] = defaultdict(list)
    for answer in truth.answers["exchange/assets"]:
        if answer.data:
            served[int(answer.parameters["id"])].append(answer.data)
    columns = "exchange_id, blockchain_name, wallet_address, crypto_id, balance::double precision, currency_price_usd"
    rows: dict[int, dict[datetime, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for moment, exchange, *row in found.query(f"SELECT snapshot_timestamp, {columns} FROM dwh.fact_exchange_assets"):
        rows[exchange][moment].append(tuple(row))
    assert rows.keys() == served.keys()
    for exchange, answers in served.items():
        assert len(rows[exchange]) == len(answers), f"exchange {exchange}"
        for moment, records in zip(sorted(rows[exchange]), answers, strict=True):
            # The same record twice is one row.
            expected = {
                (
                    text(record["platform"]["name"]),
                    address(record["wallet_address"]),
                    record["currency"]["crypto_id"],
                    number(record["balance"]),
                    number(record["currency"]["price_usd"]),
                )
                for record in records
            }
            same(rows[exchange][moment], expected, f"assets of {exchange} at {moment}")


def check_categories(truth: Truth, found: Found) -> None:
    """Every category and its figures of every list are there."""
    lists = truth.rows("cryptocurrency/categories")
    newest = {record["id"]: text(record["name"]) for records in lists for record in records}
    named = found.query("SELECT category_id, name FROM dwh.dim_crypto_category WHERE NOT is_inferred")
    same(named, newest.items(), "dim_crypto_category")
    snapshots = found.by_snapshot("fact_crypto_category", "category_id, num_tokens, market_cap, volume")
    assert len(snapshots) == len(lists)
    for (moment, rows), records in zip(snapshots, lists, strict=True):
        expected = [(r["id"], r["num_tokens"], number(r["market_cap"]), number(r["volume"])) for r in records]
        same(rows, expected, f"fact_crypto_category at {moment}")


def check_memberships(truth: Truth, found: Found) -> None:
    """Who belongs to each category now, by the newest of its answers and by the lists of categories since."""
    pages: dict[str, list[Answer]] = defaultdict(list)
    for answer in truth.answers["cryptocurrency/category"]:
        pages[answer.parameters["id"]].append(answer)
    lists = truth.answers["cryptocurrency/categories"]
    expected = []
    for category, answers in pages.items():
        first = max(number for number, answer in enumerate(answers) if answer.parameters["start"] == "1")
        gone = any(
            later.at > answers[first].at and category not in {record["id"] for record in later.data} for later in lists
        )
        members = {coin["id"] for answer in answers[first:] for coin in answer.data["coins"]}
        expected += [] if gone else [(coin, category) for coin in members]
    opened = found.query("SELECT crypto_id, category_id FROM dwh.link_crypto_category WHERE valid_to IS NULL")
    same(opened, expected, "link_crypto_category")
    overlapping = found.query(
        "SELECT count(*) FROM dwh.link_crypto_category AS a JOIN dwh.link_crypto_category AS b"
        " USING (crypto_id, category_id)"
        " WHERE a.valid_from < b.valid_from AND coalesce(a.valid_to, 'infinity') > b.valid_from"
    )
    assert overlapping == [(0,)]


def check_sentiment(truth: Truth, found: Found) -> None:
    """Every point of the history has a row at its own midnight, every latest value one at its run's snapshot."""
    points = {
        (int(point["timestamp"]), point["value"])
        for records in truth.rows("fear-and-greed/historical")
        for point in records
    }
    latest = truth.rows("fear-and-greed/latest")
    rows = found.query(
        "SELECT extract(epoch FROM snapshot_timestamp)::bigint, fear_greed_score FROM dwh.fact_market_sentiment"
    )
    assert points <= set(rows)
    assert len(rows) == len(points) + len(latest)


def check_everything(truth: Truth, warehouse: Warehouse) -> None:
    """Compare all tables with what was served; nothing is in quarantine, and every load adds up."""
    found = Found(warehouse)
    for check in (
        check_market,
        check_coins,
        check_coin_history,
        check_exchanges,
        check_assets,
        check_categories,
        check_memberships,
        check_sentiment,
    ):
        check(truth, found)
    assert found.query("SELECT table_name, rule, count(*) FROM ops.quarantine GROUP BY 1, 2") == []
    assert found.query(
        "SELECT count(*) FROM ops.load_batch WHERE rows_in <> rows_loaded + rows_present + rows_quarantined"
    ) == [(0,)]
