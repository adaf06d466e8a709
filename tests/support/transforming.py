"""Builds Silver tables in tests: of what was extracted, or of answers that a test writes down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import SecretStr

from cryptoelt.api.answer import Answer
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.envelope import parse_envelope
from cryptoelt.api.governor import Governor
from cryptoelt.extract import extractors
from cryptoelt.extract.base import ExtractContext
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.silver import SilverTable, rejected_uri
from cryptoelt.pipeline.jobs import Job
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.settings import ApiSettings, Settings
from cryptoelt.tables import TABLES
from cryptoelt.transform import transformers
from cryptoelt.transform.base import TransformContext
from cryptoelt.transform.pending import silver_uri

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.spark import SparkHost
    from cryptoelt.transform.base import BaseTransformer

Row = dict[str, Any]
FIRST = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def at(number: int) -> datetime:
    """The snapshot of this number; they are an hour apart."""
    return FIRST + timedelta(hours=number)


class Silver:
    """Builds the tables of one home and reads them back."""

    def __init__(self, settings: Settings, spark: SparkHost) -> None:
        self.settings = settings
        runtime = Runtime(settings, "transform")
        self.bronze = runtime.bronze
        self.context = TransformContext(
            spark=lambda: spark.session,
            bronze=runtime.bronze,
            lake_root=settings.lake_root,
            clock=runtime.clock,
            metadata_dir=settings.metadata_dir,
            run_id=runtime.run_id,
        )

    def transformer(self, table: str) -> BaseTransformer:
        return transformers()[TABLES[table].domain](self.context)

    def build(self, table: str) -> Unit:
        unit = Unit(Phase.TRANSFORM, table)
        self.transformer(table).transform_table(table, unit)
        return unit

    def build_at_once(self, table: str) -> Unit:
        """Build all snapshots in as few commits as a backfill does."""
        from cryptoelt.transform.rebuild import Rebuild

        unit = Unit(Phase.TRANSFORM, table)
        Rebuild(self.transformer(table), table, unit).build(self.bronze.snapshots(TABLES[table].endpoint))
        return unit

    def rows(self, table: str, snapshot: datetime | None = None) -> list[Row]:
        return _rows(silver_uri(self.settings.lake_root, table), snapshot)

    def rejected(self, table: str) -> list[Row]:
        return _rows(rejected_uri(silver_uri(self.settings.lake_root, table)))

    def journal(self, table: str) -> Path:
        return self.settings.metadata_dir / "transform" / f"{table}.jsonl"


def _rows(uri: str, snapshot: datetime | None = None) -> list[Row]:
    table = SilverTable(uri)
    if not table.exists:
        return []
    batches = list(table.read(None if snapshot is None else [snapshot]))
    return pa.Table.from_batches(batches).to_pylist() if batches else []


@dataclass(frozen=True)
class Sent:
    """`data` of one answer as it was sent, and what the request says of all its records."""

    text: str
    constants: Row


def sent(data: Any, **constants: Any) -> Sent:
    """Return an answer with this `data`: a value, or its JSON text."""
    return Sent(data if isinstance(data, str) else json.dumps(data), constants)


class Transforming(Silver):
    """A home whose Bronze is filled with answers that a test writes down, typed by the real extractors."""

    def __init__(self, home: Path, spark: SparkHost) -> None:
        super().__init__(Settings(home=home, api=ApiSettings(key=SecretStr("canary"))), spark)

    @cached_property
    def _extract_context(self) -> ExtractContext:
        runtime = Runtime(self.settings, "extract")
        folder, extract, budget = self.settings.metadata_dir, self.settings.extract, self.settings.budget
        governor = Governor(runtime.ledger)
        return ExtractContext(runtime.client, runtime.bronze, runtime.clock, folder, "run-1", extract, budget, governor)

    def fetch(
        self, endpoint: str, *answers: Sent, snapshot: datetime = FIRST, is_whole: bool = True, unusable: str = ""
    ) -> None:
        """Write answers to Bronze as one snapshot, in parts if there are several, or more should have come."""
        extractor = extractors()[endpoint](self._extract_context)
        for number, one in enumerate(answers, start=1):
            answer = _answer(endpoint, f"call-{number}", one.text)
            records = answer.records if answer.is_list else extractor.parse(answer)
            rows, clean = extractor.typed(answer.call_id, records, snapshot, **one.constants)
            part = None if len(answers) == 1 and is_whole else number
            is_last = number == len(answers)
            fault = unusable if is_last else ""
            note = BronzeNote(clean, is_last=is_last and is_whole and not fault, unusable=fault)
            self.bronze.write(endpoint, snapshot, rows, note, part)


def _answer(endpoint: str, call_id: str, data: str) -> Answer:
    envelope = parse_envelope(f'{{"status":{{"error_code":0,"credit_count":1}},"data":{data}}}'.encode())
    assert envelope is not None
    assert envelope.records is not None
    return Answer(call_id, endpoint, {}, FIRST, None, envelope.records, 1, None, "sha", envelope.is_list)


def extract(settings: Settings, *endpoints: str) -> datetime:
    """Extract endpoints (default: all) and return the snapshot."""
    result = Pipeline(Runtime(settings, "extract")).run(Job(endpoints=list(endpoints or ENDPOINTS)))
    assert [unit.status for unit in result.units] == [Status.DONE] * len(result.units)
    return result.units[0].snapshots[0]
