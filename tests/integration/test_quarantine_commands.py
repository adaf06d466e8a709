"""The quarantine commands as a user meets them: what is in there, one record, and what is wrong with a question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.extract.fields import NON_FINITE, NUL_IN_TEXT, WRONG_TYPE
from cryptoelt.metadata.jsonl import append_line
from cryptoelt.transform.rules import CONFLICTING_DUPLICATE, MISSING_KEY, TOO_LONG
from cryptoelt.warehouse.quarantine import NEWEST, RULES
from tests.support.cli import home_env
from tests.support.in_process import InProcess
from tests.support.silver_writer import at, category, category_fact, listing

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.cli import Finished
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

CATEGORIES, MARKET = "fact_crypto_category", "fact_crypto_market"
CALL_ID = "20261123T103000Z-0123456789abcdef"
RECORD = '{"id": "c9", "volume": 1e999, "tags": [], "quote": {"USD": {"price": 0.10, "name": "x, [y]: \\"z\\""}}}'


def quarantine(home: Path, url: SecretStr, *arguments: str) -> Finished:
    return InProcess(home, home_env(home, WAREHOUSE__URL=url.get_secret_value()))("quarantine", *arguments)


def shown(home: Path, url: SecretStr, *arguments: str) -> dict[str, Any]:
    done = quarantine(home, url, *arguments, "--json")
    assert (done.code, done.stderr) == (0, "")
    return done.json()


@pytest.fixture
def url(load: Loading, lake: SilverWriter) -> SecretStr:
    """A warehouse whose loads have put four records of two tables into quarantine, of which one was replayed."""
    lake.reject(CATEGORIES, at(0), [("missing_key", "{}"), ("non_finite", RECORD)])
    lake.reject(CATEGORIES, at(1), [("missing_key", "not JSON")])
    lake.commit(CATEGORIES, {at(n): [category_fact(1)] for n in (0, 1)})
    lake.reject(MARKET, at(2), [("missing_key", "[1]")])
    lake.commit(MARKET, {at(2): [listing(1)]})
    lake.commit("dim_crypto_category", {at(0): [category(1)]})
    for table in ("dim_crypto_category", CATEGORIES, MARKET):
        load(table)
    load.execute(f"UPDATE ops.quarantine SET call_id = '{CALL_ID}' WHERE record LIKE '%1e999%'")
    load.execute("UPDATE ops.quarantine SET replayed_at = '2026-11-24 08:00Z' WHERE record = '{}'")
    return load.warehouse.url


def id_of(load: Loading, record: str) -> int:
    ((number,),) = load.rows(f"SELECT quarantine_id FROM ops.quarantine WHERE record LIKE '{record}'")
    return int(number)


def test_the_rules_are_those_that_reject_a_record() -> None:
    assert set(RULES) == {WRONG_TYPE, NON_FINITE, NUL_IN_TEXT, MISSING_KEY, TOO_LONG, CONFLICTING_DUPLICATE}


def test_a_list_counts_what_waits_by_table_and_rule_and_shows_the_newest_first(
    home: Path, url: SecretStr, load: Loading
) -> None:
    report = shown(home, url, "list")
    assert list(report)[:4] == ["schema_version", "command", "exit_code", "error"]
    counts = [(c["table"], c["rule"], c["records"], c["replayed"], c["newest"]) for c in report["counts"]]
    assert counts == [
        (CATEGORIES, "missing_key", 1, 0, "2026-11-23T11:30:00Z"),
        (CATEGORIES, "non_finite", 1, 0, "2026-11-23T10:30:00Z"),
        (MARKET, "missing_key", 1, 0, "2026-11-23T12:30:00Z"),
    ]
    listed = [record["quarantine_id"] for record in report["records"]]
    assert listed == [id_of(load, record) for record in ("[1]", "not JSON", "%1e999%")]
    assert report["records"][0]["replayed_at"] is None
    assert report["records"][0]["table"] == MARKET


def test_all_shows_what_was_replayed_too(home: Path, url: SecretStr, load: Loading) -> None:
    report = shown(home, url, "list", "--all", "--table", CATEGORIES, "--rule", "missing_key")
    assert [(c["records"], c["replayed"]) for c in report["counts"]] == [(2, 1)]
    replayed = {record["quarantine_id"]: record["replayed_at"] for record in report["records"]}
    assert replayed == {id_of(load, "not JSON"): None, id_of(load, "{}"): "2026-11-24T08:00:00Z"}


def test_a_long_list_shows_the_newest_and_counts_all(home: Path, load: Loading, lake: SilverWriter) -> None:
    lake.reject(CATEGORIES, at(0), [("missing_key", f"{number}") for number in range(NEWEST + 5)])
    lake.commit(CATEGORIES, {at(0): [category_fact(1)]})
    load(CATEGORIES)
    report = shown(home, load.warehouse.url, "list")
    assert (report["counts"][0]["records"], len(report["records"])) == (NEWEST + 5, NEWEST)
    assert len(shown(home, load.warehouse.url, "list", "--all")["records"]) == NEWEST + 5


def test_off_a_terminal_a_list_is_plain_lines(home: Path, url: SecretStr) -> None:
    done = quarantine(home, url, "list", "--table", MARKET)
    assert (done.code, done.stderr) == (0, "")
    heads, counts, columns, row = (line.split("\t") for line in done.stdout.splitlines())
    assert heads == ["table", "rule", "records", "replayed", "newest"]
    assert counts == [MARKET, "missing_key", "1", "0", "2026-11-23T12:30:00Z"]
    assert columns == ["id", "table", "snapshot", "rule", "quarantined at", "replayed at"]
    assert row[1:4] == [MARKET, "2026-11-23T12:30:00Z", "missing_key"]
    assert "\x1b" not in done.stdout


def test_an_empty_quarantine_is_no_failure(home: Path, warehouse: Warehouse) -> None:
    report = shown(home, warehouse.url, "list")
    assert (report["counts"], report["records"]) == ([], [])
    assert quarantine(home, warehouse.url, "list").code == 0


def test_a_record_is_shown_with_its_rule_in_words_and_the_call_that_brought_it(
    home: Path, url: SecretStr, load: Loading
) -> None:
    journal = home / "metadata" / "calls" / "2026-11.jsonl"
    append_line(journal, {"call_id": "20261123T103000Z-another", "endpoint": "another"})
    line = {"call_id": CALL_ID, "endpoint": "cryptocurrency/categories", "parameters": {"start": "1"}, "credits": 3}
    append_line(journal, line)
    number = id_of(load, "%1e999%")
    report = shown(home, url, "show", str(number))
    assert (report["quarantine_id"], report["table"], report["rule"]) == (number, CATEGORIES, "non_finite")
    assert report["reason"] == RULES["non_finite"]
    assert report["call"] == line
    assert report["record"] == RECORD

    plain = quarantine(home, url, "show", str(number))
    assert (plain.code, plain.stderr) == (0, "")
    facts, record = plain.stdout.split("{\n", 1)
    assert f"rule\tnon_finite: {RULES['non_finite']}\n" in facts
    assert f"call\t{CALL_ID}\n" in facts
    assert "endpoint\tcryptocurrency/categories\n" in facts
    assert "\x1b" not in plain.stdout
    assert record == (
        '  "id": "c9",\n'
        '  "volume": 1e999,\n'
        '  "tags": [],\n'
        '  "quote": {\n'
        '    "USD": {\n'
        '      "price": 0.10,\n'
        '      "name": "x, [y]: \\"z\\""\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


def test_a_record_that_is_not_json_and_whose_call_is_not_known_is_shown_as_it_is(
    home: Path, url: SecretStr, load: Loading
) -> None:
    plain = quarantine(home, url, "show", str(id_of(load, "not JSON")))
    assert plain.code == 0
    assert plain.stdout.endswith("\ncall\tcall\nnot JSON\n")
    assert shown(home, url, "show", str(id_of(load, "not JSON")))["call"] is None


@pytest.mark.parametrize(
    ("arguments", "words", "hint"),
    [
        (["list", "--table", "fact_crypto_markt"], "unknown table 'fact_crypto_markt'", "fact_crypto_market"),
        (["list", "--rule", "mising_key"], "unknown rule 'mising_key'", "missing_key"),
        (["show", "x"], "Invalid value for 'ID'", "--help"),
        (["show"], "Missing argument 'ID'", "--help"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_bad_question_is_code_2_and_one_clear_line(
    home: Path, closed_port: int, arguments: list[str], words: str, hint: str, as_json: bool
) -> None:
    nowhere = SecretStr(f"postgresql://u:secret@127.0.0.1:{closed_port}/x")  # it is not even asked
    done = quarantine(home, nowhere, *arguments, *(["--json"] if as_json else []))
    assert done.code == 2
    error, advice = done.stderr.splitlines()
    assert words in error
    assert hint in advice
    assert bool(done.stdout) is as_json
    if as_json:
        assert json.loads(done.stdout)["error"]["exit_code"] == 2


def test_a_record_that_does_not_exist_is_code_2_and_one_clear_line(home: Path, warehouse: Warehouse) -> None:
    done = quarantine(home, warehouse.url, "show", "99999", "--json")
    assert (done.code, json.loads(done.stdout)["error"]["type"]) == (2, "UsageError")
    assert done.stderr.splitlines() == [
        "error: there is no record 99999 in quarantine",
        "hint: `cryptoelt quarantine list --all` shows them",
    ]


def test_a_warehouse_that_is_not_there_or_not_at_the_head_is_code_8_or_9(
    home: Path, postgres_url: SecretStr, closed_port: int
) -> None:
    down = SecretStr(f"postgresql://u:secret@127.0.0.1:{closed_port}/x")
    assert quarantine(home, down, "list").code == 8
    for arguments in (["list"], ["show", "1"]):
        refused = quarantine(home, postgres_url, *arguments)
        assert refused.code == 9
        assert "db init" in refused.stderr
