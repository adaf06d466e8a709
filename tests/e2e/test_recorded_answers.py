"""Real recorded answers of every endpoint go through extract, transform and load, and arrive as they were recorded.

The recordings are not part of the project (they are not ours to publish), so these tests run only where they lie beside
the checkout. They are of many years and know nothing of each other: coins are quoted that the recorded map does not
have yet, and infos come for coins that nobody asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import parse_iso
from cryptoelt.errors import ExitCode
from cryptoelt.tables import TABLES
from tests.support import expected
from tests.support.cli import Cli, home_env
from tests.support.evidence import assert_row, rows, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.support.evidence import Row

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "payloads"
MEMBERS, LISTINGS, INFOS = "cryptocurrency_category", "cryptocurrency_listings_latest", "cryptocurrency_info"
EXCHANGE_MAP, COIN_MAP, CATEGORIES = "exchange/map", "cryptocurrency/map", "cryptocurrency/categories"
EXCHANGE_INFO, COIN_INFO, ASSETS = "exchange/info", "cryptocurrency/info", "exchange/assets"
CATEGORY, QUOTES = "cryptocurrency/category", "cryptocurrency/listings/latest"
GLOBAL, LATEST, HISTORY = "global-metrics/quotes/latest", "fear-and-greed/latest", "fear-and-greed/historical"
#: The extractions, one after the other: endpoint -> what is answered.
ROUNDS = (
    {
        QUOTES: f"{LISTINGS}/v1_2019-08-14_10rows",
        COIN_MAP: "cryptocurrency_map/2021-10-05_USDT",
        COIN_INFO: f"{INFOS}/v1_2021-10-07_USDT",
        EXCHANGE_INFO: "exchange_info/2024-01-19_2exchanges",
        CATEGORY: f"{MEMBERS}/2022-08-03_a16z_4coins_noenvelope",
        GLOBAL: "global_metrics_quotes_latest/2025-02-08",
        LATEST: "fear_and_greed_latest/2025-02-08",
        HISTORY: "fear_and_greed_historical/2025-02-08_50rows",
    },
    {
        QUOTES: f"{LISTINGS}/v1_2020-01-11_100rows",
        COIN_MAP: "cryptocurrency_map/2026-09-26_4rows_XAU",
        COIN_INFO: f"{INFOS}/v2_2022-11-25_BTC",
        EXCHANGE_MAP: "exchange_map/2025-02-08_785rows",
        ASSETS: "exchange_assets/2024-01-19_754rows",
        CATEGORIES: "cryptocurrency_categories/2022-10-27_18rows_noenvelope",
    },
    {QUOTES: f"{LISTINGS}/v1_2025-02-08_100rows", COIN_INFO: f"{INFOS}/v2_2026-09-25_XLM"},
    {QUOTES: f"{LISTINGS}/v3_2026-09-26_5of50rows", COIN_MAP: "cryptocurrency_map/2020-12-02_3884rows"},
)
#: The exchange whose wallets were recorded, and a slice of the rotation that reaches it.
BINANCE, ROTATION_DAYS = 270, 16
_STATUS = b'{"timestamp":"2022-10-27T00:00:00.000Z","error_code":0,"error_message":null,"elapsed":9,"credit_count":1}'

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"the recorded API answers are not on this machine ({RECORDINGS})"
)


def body_of(recording: str) -> bytes:
    """Return a recorded body, byte for byte; some were recorded without their envelope."""
    content = (RECORDINGS / f"{recording}.json").read_bytes()
    return enveloped(content) if recording.endswith("_noenvelope") else content


def enveloped(data: bytes) -> bytes:
    return b'{"status":' + _STATUS + b',"data":' + data + b"}"


def lists_of(bodies: dict[str, bytes]) -> dict[str, bytes]:
    """Return lists with the exchanges and the category of which something was recorded, so that they are asked for."""
    exchanges = json.loads(bodies[EXCHANGE_INFO])["data"].values()
    known = {"is_active": 0, "is_listed": 0, "first_historical_data": None, "last_historical_data": None}
    listed = [
        {**known, **{name: exchange[name] for name in ("id", "name", "slug", "is_redistributable")}}
        for exchange in exchanges
    ]
    category = {name: value for name, value in json.loads(bodies[CATEGORY])["data"].items() if name != "coins"}
    return {
        EXCHANGE_MAP: enveloped(json.dumps(listed).encode()),
        CATEGORIES: enveloped(json.dumps([category]).encode()),
        ASSETS: enveloped(b"[]"),
    }


class Replay(ThreadingHTTPServer):
    """Answers the paths of the API with the bodies of the present round."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    def answer(self, url: str) -> bytes:
        """Return the body for a URL; of all exchanges only one has recorded wallets."""
        parts = urlsplit(url)
        version, _, name = parts.path.removeprefix("/").partition("/")
        if name == ASSETS and parse_qs(parts.query)["id"] != [str(BINANCE)]:
            return enveloped(b"[]")
        return self.bodies[name] if version.startswith("v") else b""


class _Handler(BaseHTTPRequestHandler):
    server: Replay
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.server.answer(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Replayed:
    """The recordings, and the warehouse they were loaded into.

    Attributes:
        answers: endpoint -> what it answered, each with the snapshot it became.
        phases: the `--json` objects of the extractions, of the transformation and of the load.
    """

    url: str
    answers: dict[str, list[tuple[datetime, Any]]]
    phases: dict[str, list[dict[str, Any]]]

    def read(self, table: str) -> list[Row]:
        return rows(self.url, f"SELECT * FROM dwh.{table}")

    def records(self, endpoint: str) -> list[tuple[datetime, Row]]:
        """Return the records of an endpoint, the oldest first, each with its snapshot."""
        return [(at, record) for at, data in self.answers[endpoint] for record in records_of(data)]


def records_of(data: Any) -> list[Any]:
    """Return the records of an answer: a list, one record, or records by what was asked for."""
    if isinstance(data, list):
        return data
    return list(data.values()) if all(isinstance(value, dict) for value in data.values()) else [data]


@pytest.fixture(scope="module")
def replayed(make_embedded_home: Callable[[str], Path]) -> Iterator[Replayed]:
    """Serve the recordings round by round, then build and load what was extracted."""
    home = make_embedded_home("recorded")
    server = Replay()
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings = {"API__BASE_URL": url, "API__REQUESTS_PER_MINUTE": "1000", "EXTRACT__LISTINGS_LIMIT": "100"}
    cli = Cli(home, home_env(home, None, key="recorded", **settings, EXTRACT__ROTATION_DAYS=str(ROTATION_DAYS)))
    answers: dict[str, list[tuple[datetime, Any]]] = {name: [] for name in ENDPOINTS}
    phases: dict[str, list[dict[str, Any]]] = {"extract": [], "transform": [], "load": []}

    def run(phase: str, *arguments: str, code: int = 0, **more: str) -> dict[str, Any]:
        finished = cli(phase, *arguments, "--json", **more)
        assert finished.code == code, finished.told
        phases[phase].append(finished.json())
        return phases[phase][-1]

    for number, recordings in enumerate(ROUNDS):
        server.bodies = {name: body_of(recording) for name, recording in recordings.items()}
        if not number:
            server.bodies |= lists_of(server.bodies)
        chosen = [word for name in server.bodies for word in ("--endpoint", name)]
        version = "v3" if "/v3_" in recordings[QUOTES] else "v1"
        told = run("extract", *chosen, EXTRACT__LISTINGS_VERSION=version)
        (moment,) = {moment for unit in told["units"] for moment in unit["snapshots"]}
        for name, body in server.bodies.items():
            answers[name].append((parse_iso(moment), json.loads(body)["data"]))
    run("transform")
    run("load", code=ExitCode.QUALITY)  # listings were recorded with 100 coins and with 10
    server.shutdown()
    thread.join()
    server.server_close()
    yield Replayed(url_of(home), answers, phases)


# --- every value ------------------------------------------------------------------------------------------------------


def exchange_maps(replayed: Replayed) -> list[Row]:
    ((told, infos),) = replayed.answers[EXCHANGE_INFO]
    known = {record["id"]: record for record in infos.values()}
    return [
        expected.exchange_map(record, at, known.get(record["id"], {}), told if record["id"] in known else None)
        for at, record in replayed.records(EXCHANGE_MAP)
    ]


def wallets(replayed: Replayed) -> list[Row]:
    without_info = {"spot_volume_usd": None, "value_to_volume_ratio": None, "is_imputed": False}
    return [expected.wallet(record, BINANCE, at) | without_info for at, record in replayed.records(ASSETS)]


def members(replayed: Replayed) -> list[Row]:
    """The category is gone from the next list of categories, and so its members left it."""
    ((since, category),) = replayed.answers[CATEGORY]
    (_, (until, _)) = replayed.answers[CATEGORIES]
    ids = {"category_id": category["id"], "valid_from": since, "valid_to": until}
    return [{"crypto_id": coin["id"], **ids} for coin in category["coins"]]


def sentiment(replayed: Replayed) -> list[Row]:
    points = [expected.point_fact(point) for _, point in replayed.records(HISTORY)]
    return [*points, *(expected.sentiment_fact(data, at) for at, data in replayed.answers[LATEST])]


def newest(records: list[tuple[datetime, Row]], row_of: Callable[[Row], Row]) -> list[Row]:
    """Return the row for each identity's newest record."""
    return list({record["id"]: row_of(record) for _, record in records}.values())


def category_attributes(record: Row) -> Row:
    return {"category_id": record["id"], **expected.category_attributes(record), "is_inferred": False}


def exchange_name(record: Row) -> Row:
    return {"exchange_id": record["id"], "name": expected.text(record["name"]), "is_inferred": False}


#: Table -> its key, and the rows it must hold.
EXPECTED: dict[str, tuple[tuple[str, ...], Callable[[Replayed], list[Row]]]] = {
    "dim_exchange_id": (("exchange_id",), lambda r: newest(r.records(EXCHANGE_MAP), exchange_name)),
    "dim_exchange_info": (("exchange_id",), lambda r: newest(r.records(EXCHANGE_INFO), expected.exchange_attributes)),
    "fact_exchange_info": (
        ("exchange_id", "snapshot_timestamp"),
        lambda r: [expected.exchange_figures(record, at) for at, record in r.records(EXCHANGE_INFO)],
    ),
    "dim_exchange_map": (("exchange_id", "snapshot_timestamp"), exchange_maps),
    "dim_crypto_map": (
        ("crypto_id", "snapshot_timestamp"),
        lambda r: [expected.coin_rank(record, at) for at, record in r.records(COIN_MAP)],
    ),
    "dim_crypto_info": (
        ("crypto_id",),
        lambda r: [expected.coin_info(record, at) for at, record in r.records(COIN_INFO)],
    ),
    "fact_crypto_market": (
        ("crypto_id", "snapshot_timestamp"),
        lambda r: [expected.market_fact(record, at) for at, record in r.records(QUOTES)],
    ),
    "fact_exchange_assets": (("blockchain_name", "wallet_address", "crypto_id"), wallets),
    "dim_crypto_category": (("category_id",), lambda r: newest(r.records(CATEGORIES), category_attributes)),
    "fact_crypto_category": (
        ("category_id", "snapshot_timestamp"),
        lambda r: [expected.category_fact(record, at) for at, record in r.records(CATEGORIES)],
    ),
    "link_crypto_category": (("crypto_id", "category_id"), members),
    "fact_global_market": (
        ("snapshot_timestamp",),
        lambda r: [expected.global_fact(data, at) for at, data in r.answers[GLOBAL]],
    ),
    "fact_market_sentiment": (("snapshot_timestamp",), sentiment),
}
#: Columns that are looked at elsewhere, or that tell of the load.
UNCOMPARED = {"load_batch_id", "inferred_from", "wallet_weight"}


@pytest.mark.parametrize("table", EXPECTED)
def test_every_recorded_record_arrives_as_it_was_recorded(replayed: Replayed, table: str) -> None:
    key, expect = EXPECTED[table]
    found = {tuple(row[name] for name in key): row for row in replayed.read(table)}
    wanted = {tuple(row[name] for name in key): row for row in expect(replayed)}
    assert found.keys() == wanted.keys()
    for identity, row in wanted.items():
        assert found[identity].keys() - row.keys() <= UNCOMPARED | {"snapshot_timestamp"}
        assert_row(found[identity], row)


def test_every_recorded_coin_arrives_as_the_newest_map_describes_it(replayed: Replayed) -> None:
    found = {row["crypto_id"]: row for row in replayed.read("dim_crypto_id") if not row["is_inferred"]}
    wanted = newest(replayed.records(COIN_MAP), expected.coin_attributes)
    assert len(found) == len(wanted) > 3884
    for row in wanted:
        assert_row(found[row["crypto_id"]], row)


def test_coins_that_no_recorded_map_has_are_inferred_from_whoever_named_them_first(replayed: Replayed) -> None:
    mapped = {record["id"] for _, record in replayed.records(COIN_MAP)}
    quoted = [
        (at, 0, record["id"], record["name"], record["symbol"], record["slug"])
        for at, record in replayed.records(QUOTES)
    ]
    coins = [(at, record["currency"]) for at, record in replayed.records(ASSETS)]
    held = [(at, 1, coin["crypto_id"], coin["name"], coin["symbol"], None) for at, coin in coins]
    wanted: dict[int, tuple[Any, ...]] = {}
    for _, source, coin, *names in sorted([*quoted, *held], key=lambda said: said[:3]):
        if coin not in mapped and coin not in wanted:
            wanted[coin] = (*map(expected.text, names), ("fact_crypto_market", "fact_exchange_assets")[source])
    inferred = [row for row in replayed.read("dim_crypto_id") if row["is_inferred"]]
    columns = ("name", "symbol", "slug", "inferred_from")
    assert {row["crypto_id"]: tuple(row[name] for name in columns) for row in inferred} == wanted
    assert {source for *_, source in wanted.values()} == {"fact_crypto_market", "fact_exchange_assets"}


def test_the_shares_of_the_recorded_wallets_are_those_of_their_sum(replayed: Replayed) -> None:
    found = replayed.read("fact_exchange_assets")
    total = sum(row["total_usd_value"] for row in found)
    assert total > 1e9
    for row in found:
        assert row["wallet_weight"] == pytest.approx(row["total_usd_value"] / total, rel=1e-12)


def test_keys_that_the_recorded_market_lacks_are_null_and_cost_no_snapshot(replayed: Replayed) -> None:
    ((_, market),) = replayed.answers[GLOBAL]
    assert "tracked_yearly_number" not in market
    assert "today_incremental_crypto_number" not in market
    (row,) = replayed.read("fact_global_market")
    missing = {name for name in row if "daily_new_cryptos" in name or "new_cryptos" in name}
    assert len(missing) == 9
    assert {row[name] for name in missing} == {None}


# --- nothing lost -----------------------------------------------------------------------------------------------------


def test_every_recording_of_every_endpoint_was_served() -> None:
    folders = {name.replace("/", "_").replace("-", "_") for name in ENDPOINTS}
    recorded = {f"{path.parent.name}/{path.stem}" for folder in folders for path in RECORDINGS.glob(f"{folder}/*.json")}
    assert {recording for recordings in ROUNDS for recording in recordings.values()} == recorded
    assert {name for recordings in ROUNDS for name in recordings} == set(ENDPOINTS)


def test_no_recorded_record_is_lost_or_quarantined(replayed: Replayed) -> None:
    assert rows(replayed.url, "SELECT * FROM ops.quarantine") == []
    ((_, category),) = replayed.answers[CATEGORY]
    records = {name: len(replayed.records(name)) for name in ENDPOINTS} | {CATEGORY: 1 + len(category["coins"])}
    extracted = dict.fromkeys(ENDPOINTS, 0)
    for told in replayed.phases["extract"]:
        for unit in told["units"]:
            extracted[unit["name"]] += unit["rows_loaded"]
    assert extracted == records
    (transformed,), (loaded,) = replayed.phases["transform"], replayed.phases["load"]
    loads = [unit for unit in loaded["units"] if unit["phase"] == "load"]
    assert [unit["name"] for unit in transformed["units"]] == [unit["name"] for unit in loads] == list(TABLES)
    for built, unit in zip(transformed["units"], loads, strict=True):
        counts = [built[name] for name in ("rows_in", "rows_loaded", "rows_present", "rows_quarantined")]
        assert counts == [records[TABLES[built["name"]].endpoint]] * 2 + [0, 0], built
        assert unit["rows_in"] == built["rows_loaded"] == unit["rows_loaded"] + unit["rows_present"], unit
        assert unit["rows_quarantined"] == 0


def test_records_for_ids_that_nobody_asked_for_are_kept_and_who_was_not_answered_is_told(replayed: Replayed) -> None:
    notices = [note for told in replayed.phases["extract"] for note in told["notices"] if "price drift" not in note]
    assert [note.partition(":")[0] for note in notices] == [COIN_INFO] * 3
    assert all("asked again by the next scan" in note for note in notices)
    assert replayed.phases["transform"][0]["notices"] == []


def test_checks_see_that_recordings_are_old_and_cut_short_and_nothing_else(replayed: Replayed) -> None:
    (loaded,) = replayed.phases["load"]
    checked = [unit for unit in loaded["units"] if unit["phase"] == "quality"]
    assert {unit["name"] for unit in checked if unit["status"] != "done"} == {"fact_crypto_market"}
    assert loaded["error"]["message"] == "market_incomplete found 1 row"
    (notice,) = loaded["notices"]
    found = {said.split()[0] for said in notice.removeprefix("quality: ").split("; ")}
    old = {"exchange_map_info_old", "market_stale", "global_outdated", "sentiment_value_time"}
    assert found == {*old, "market_dominance_sum"}
