"""One fault of each class through the whole `run`: what fails is told, what was fetched is loaded, the next goes on.

The runs are steps of one story in one home, told once; each test looks at one step of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import tables_of
from cryptoelt.sandbox.server import SandboxServer
from tests.support.cli import Cli, home_env
from tests.support.evidence import lines_of, rows, url_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from tests.support.cli import Finished

CATEGORIES, GLOBAL, SENTIMENT = (
    "cryptocurrency/categories",
    "global-metrics/quotes/latest",
    "fear-and-greed/latest",
)
RUN = ("run", "--freq", "10x")


@dataclass(frozen=True)
class Step:
    """One command of the story.

    Attributes:
        finished: how it ended.
        served: what the sandbox answered to it.
        bodies: the body of each of these answers.
        spent: credits the sandbox had counted when it ended.
        budget: what `budget --json` said then.
    """

    finished: Finished
    served: list[dict[str, Any]]
    bodies: list[bytes]
    spent: int
    budget: dict[str, Any]

    @property
    def calls(self) -> list[str]:
        """The endpoints asked, request by request; a reconciliation left out."""
        return [entry["endpoint"] for entry in self.served if entry["endpoint"] != "key/info"]

    def units(self, phase: str) -> dict[str, dict[str, Any]]:
        return {unit["name"]: unit for unit in self.finished.json()["units"] if unit["phase"] == phase}

    @property
    def snapshot(self) -> datetime:
        """The snapshot time of what this command fetched."""
        (moment,) = {moment for unit in self.units("extract").values() for moment in unit["snapshots"]}
        return parse_iso(moment)


@dataclass(frozen=True)
class Story:
    """A home, its warehouse at the end, and what happened in between."""

    home: Path
    url: str
    one_endpoint_down: Step
    passing_faults_and_wrong_types: Step
    fetched_only: Step
    key_refused: Step
    out_of_budget: Step

    def snapshots(self, table: str) -> list[datetime]:
        found = rows(self.url, f"SELECT DISTINCT snapshot_timestamp AS t FROM dwh.{table} ORDER BY t")
        return [row["t"] for row in found]


@pytest.fixture(scope="module")
def story(make_embedded_home: Callable[[str], Path]) -> Story:
    home = make_embedded_home("catching_up")
    with SandboxServer(seed=7, world="small", refresh=1, minute_limit=100_000) as sandbox:
        cli = Cli(home, home_env(home, sandbox, API__MAX_WAIT="0"))

        def step(*arguments: str, faults: tuple[str, ...] = (), **settings: str) -> Step:
            sandbox.clear_faults()
            for fault in faults:
                sandbox.add_fault(fault)
            before = len(sandbox.served())
            finished = cli(*arguments, **settings)
            served = sandbox.served()[before:]
            bodies = [sandbox.served_body(entry["sequence"]) or b"" for entry in served]
            budget = cli("budget", "--json").json()
            return Step(finished, served, bodies, int(sandbox.usage()["credits"]), budget)

        return Story(
            home,
            url_of(home),
            one_endpoint_down=step(*RUN, "--json", faults=(f"http_500@{GLOBAL}",)),
            passing_faults_and_wrong_types=step(
                *RUN, faults=(f"wrong_type@{CATEGORIES}", f"http_503@{SENTIMENT}*2", f"reset_charged@{GLOBAL}*1")
            ),
            fetched_only=step("extract", "--freq", "10x", "--json"),
            key_refused=step(*RUN, "--json", faults=("http_401_1001",)),
            out_of_budget=step(*RUN, "--json", BUDGET__MONTHLY_CREDITS="3"),
        )


def test_one_endpoint_that_fails_is_told_and_the_others_are_loaded(story: Story) -> None:
    step = story.one_endpoint_down
    assert step.finished.code == ExitCode.PARTIAL, step.finished.told
    told = step.finished.stderr.splitlines()
    assert len(told) == 2
    assert told[0].startswith(f"error: extract {GLOBAL}: ")
    assert told[1].startswith("hint: ")
    assert step.calls == [CATEGORIES, *[GLOBAL] * 5, SENTIMENT]
    for table, unit in step.units("load").items():
        assert unit["status"] == ("nothing" if table == "fact_global_market" else "done")
        assert (step.snapshot in story.snapshots(table)) == (table != "fact_global_market")


def test_a_passing_fault_is_cured_by_another_try(story: Story) -> None:
    step = story.passing_faults_and_wrong_types
    assert step.finished.code == ExitCode.DONE, step.finished.told
    assert step.finished.stderr == ""
    assert step.calls == [CATEGORIES, GLOBAL, GLOBAL, SENTIMENT, SENTIMENT, SENTIMENT]
    facts = [table for table in tables_of("10x") if table.startswith("fact_")]
    assert [len(story.snapshots(table)) for table in facts] == [3, 2, 3]


def test_records_of_a_wrong_type_are_quarantined_as_they_were_sent(story: Story) -> None:
    step = story.passing_faults_and_wrong_types
    body = next(body for body, entry in zip(step.bodies, step.served, strict=True) if entry["endpoint"] == CATEGORIES)
    figures = ("num_tokens", "avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change")
    wrong = [record for record in json.loads(body)["data"] if any(is_wrong(record[name]) for name in figures)]
    assert len(wrong) == 4
    quarantined = rows(story.url, "SELECT * FROM ops.quarantine")
    assert {row["table_name"] for row in quarantined} == {"fact_crypto_category"}
    assert {row["rule"] for row in quarantined} == {"wrong_type"}
    assert all(row["record"].encode() in body for row in quarantined)
    assert sorted(json.loads(row["record"])["id"] for row in quarantined) == sorted(record["id"] for record in wrong)
    calls = [line for path in (story.home / "metadata" / "calls").glob("*.jsonl") for line in lines_of(path)]
    assert {calls_of(calls, row["call_id"])["endpoint"] for row in quarantined} == {CATEGORIES}


def test_a_quarantined_record_is_printed_and_counted(story: Story) -> None:
    step = story.passing_faults_and_wrong_types
    assert "4 quarantined" in step.finished.stdout
    assert len(step.finished.stdout.splitlines()) <= 3
    (batch,) = rows(
        story.url, "SELECT * FROM ops.load_batch WHERE table_name = 'fact_crypto_category' AND rows_quarantined > 0"
    )
    counts = [batch[name] for name in ("rows_in", "rows_loaded", "rows_present", "rows_quarantined")]
    assert counts == [12, 8, 0, 4]
    for phase in ("transform", "load"):
        path = story.home / "metadata" / phase / "fact_crypto_category.jsonl"
        (line,) = [line for line in lines_of(path) if line.get("rows_quarantined")]
        assert [line[name] for name in ("rows_in", "rows_loaded", "rows_present", "rows_quarantined")] == counts


def test_a_wrong_figure_does_not_cost_the_category_its_description(story: Story) -> None:
    """The dimension reads no figure, so all twelve records are good enough for it."""
    assert len(rows(story.url, "SELECT 1 FROM dwh.dim_crypto_category WHERE NOT is_inferred")) == 12


def test_a_refused_key_stops_the_calls_and_what_bronze_had_is_loaded(story: Story) -> None:
    assert story.fetched_only.finished.code == ExitCode.DONE
    step = story.key_refused
    assert step.finished.code == ExitCode.CONFIGURATION, step.finished.told
    assert [entry["endpoint"] for entry in step.served] == ["key/info"], "which told, and cost nothing"
    assert step.finished.json()["status"] == "refused"
    told = step.finished.stderr.splitlines()
    assert len(told) == 2
    assert "key" in told[0]
    assert told[1].startswith("hint: ")
    for table, unit in step.units("load").items():
        assert unit["status"] == "done"
        assert [parse_iso(moment) for moment in unit["snapshots"]] == [story.fetched_only.snapshot]
        if "fact" in table:
            assert story.snapshots(table)[-1] == story.fetched_only.snapshot


def test_a_run_that_would_cross_the_budget_makes_no_call_that_costs(story: Story) -> None:
    step = story.out_of_budget
    assert step.finished.code == ExitCode.BUDGET, step.finished.told
    assert [entry["endpoint"] for entry in step.served] == ["key/info"]
    assert step.finished.json()["credits"]["charged"] == 0
    told = step.finished.stderr.splitlines()
    assert len(told) == 2
    assert CATEGORIES in told[0]
    assert told[1].startswith("hint: ")
    assert "cryptoelt budget" in told[1]


def test_the_ledger_is_never_below_the_provider_and_equals_it_in_the_end(story: Story) -> None:
    steps = [
        story.one_endpoint_down,
        story.passing_faults_and_wrong_types,
        story.fetched_only,
        story.key_refused,
        story.out_of_budget,
    ]
    for step in steps:
        assert step.budget["charged"] + step.budget["reserved"] >= step.spent
    # A call that was cut off after it had been charged stays reserved until the next run asks the provider.
    assert story.passing_faults_and_wrong_types.budget["reserved"] > 0
    assert story.fetched_only.served[0]["endpoint"] == "key/info"
    for step in steps[2:]:
        assert (step.budget["charged"], step.budget["reserved"]) == (step.spent, 0)


def is_wrong(value: object) -> bool:
    return value is not None and (isinstance(value, bool) or not isinstance(value, int | float))


def calls_of(calls: list[dict[str, Any]], call_id: str) -> dict[str, Any]:
    (call,) = [call for call in calls if call["call_id"] == call_id]
    return call
