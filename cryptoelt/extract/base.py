"""BaseExtractor: one endpoint, from the call to a durable Bronze file and its journal line."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import iso
from cryptoelt.errors import AnswerError, CryptoEltError, StoppedError
from cryptoelt.extract.fields import fit, trimmed
from cryptoelt.lake.bronze import COMMON_FIELDS
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase, Status, Unit, error_as_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.api.answer import Answer, RawRecord
    from cryptoelt.api.client import CoinMarketCapClient
    from cryptoelt.clock import Clock
    from cryptoelt.extract.fields import Column
    from cryptoelt.lake.bronze import Bronze

log = logging.getLogger("cryptoelt.extract")


@dataclass(frozen=True)
class ExtractContext:
    """What every extractor works with."""

    client: CoinMarketCapClient
    bronze: Bronze
    clock: Clock
    metadata_dir: Path
    run_id: str


class BaseExtractor:
    """Asks one endpoint once and keeps the whole answer; a subclass names the endpoint and its columns.

    Subclasses are found by their `endpoint_name`; a scan of many calls overrides `run`.
    """

    #: The endpoint, as in the API catalogue.
    endpoint_name: ClassVar[str]
    #: Typed columns beside the raw record.
    columns: ClassVar[tuple[Column, ...]]
    #: Whether `data` is a list of records, or one record.
    many: ClassVar[bool] = False
    #: Columns that identify a record within one answer; () where the answer is one record.
    key: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: ExtractContext) -> None:
        self.context = context
        self.endpoint = ENDPOINTS[self.endpoint_name]

    def run(self, snapshot: datetime, unit: Unit) -> None:
        """Ask the endpoint and write its answer to Bronze as this snapshot; `unit` is filled.

        Raises:
            CryptoEltError: the call failed or was refused, the answer is not usable, or it cannot be written.
        """
        started = self.context.clock.now()
        try:
            self._extract(snapshot, unit, started)
        except StoppedError:
            raise
        except CryptoEltError as exc:
            self._journal(started, {"status": Status.FAILED.value, "error": error_as_json(exc)})
            raise

    def _extract(self, snapshot: datetime, unit: Unit, started: datetime) -> None:
        self.context.bronze.require_space(self.endpoint_name, snapshot, self.endpoint.largest_answer)
        answer = self.context.client.get(self.endpoint)
        rows, clean = self._rows(answer, list(self.parse(answer)), snapshot)
        file = self.context.bronze.write(self.endpoint_name, snapshot, rows, clean=clean)
        unit.rows_in = unit.rows_loaded = rows.num_rows
        unit.snapshots.append(snapshot)
        unit.status = Status.DONE
        self._journal(
            started,
            {
                "status": Status.DONE.value,
                "snapshot": iso(snapshot),
                "rows": rows.num_rows,
                "file": file.path,
                "call_ids": [answer.call_id],
                "credits": answer.credits,
                "server_time": None if answer.server_time is None else iso(answer.server_time),
                "sha256": answer.sha256,
            },
        )
        log.info(
            "extract.done", extra={"fields": {"endpoint": self.endpoint_name, "rows": unit.rows_in, "file": file.path}}
        )

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the records of an answer.

        Raises:
            AnswerError: `data` is not of the shape this endpoint sends, or has no record.
        """
        if answer.is_list != self.many:
            raise AnswerError(
                f"{self.endpoint_name} sent a {'list' if answer.is_list else 'single record'}, "
                f"a {'list' if self.many else 'single record'} was expected (call {answer.call_id})",
                hint="nothing was stored; the API may have changed, see the call in metadata/calls/",
            )
        if not answer.records or (not self.many and not answer.records[0].value):
            raise AnswerError(
                f"{self.endpoint_name} answered without a single record (call {answer.call_id})",
                hint="nothing was stored; run again later, and see the call in metadata/calls/",
            )
        yield from answer.records

    def _rows(self, answer: Answer, records: list[RawRecord], snapshot: datetime) -> tuple[pa.Table, bool]:
        """Type the records; also tell whether all of them are clean (see BronzeFooter)."""
        values: dict[str, list[Any]] = {column.name: [] for column in self.columns}
        unfit: list[list[str] | None] = []
        for record in records:
            broken = []
            for column in self.columns:
                value, rule = fit(column.value_in(record.value), column.type)
                values[column.name].append(value)
                if rule is not None:
                    broken.append(f"{column.name}={rule}")
            unfit.append(broken or None)
        count = len(records)
        common = [
            pa.array([snapshot] * count, COMMON_FIELDS[0].type),
            pa.array([answer.call_id] * count, pa.string()),
            pa.array(range(count), pa.int64()),
            pa.array([record.raw for record in records], pa.string()),
            pa.array(unfit, COMMON_FIELDS[4].type),
        ]
        typed = [pa.array(values[column.name], column.type) for column in self.columns]
        schema = pa.schema([*COMMON_FIELDS, *(pa.field(column.name, column.type) for column in self.columns)])
        return pa.table([*common, *typed], schema=schema), self._is_clean(values, unfit)

    def _is_clean(self, values: dict[str, list[Any]], unfit: list[list[str] | None]) -> bool:
        keys = list(zip(*([trimmed(value) for value in values[name]] for name in self.key), strict=True))
        missing = any(part is None for key in keys for part in key)
        return not missing and len(set(keys)) == len(keys) and not any(unfit)

    def _journal(self, started: datetime, outcome: dict[str, Any]) -> None:
        ended = self.context.clock.now()
        Journal(self.context.metadata_dir, Phase.EXTRACT, self.endpoint_name).append(
            {
                "run_id": self.context.run_id,
                "started_at": iso(started),
                "ended_at": iso(ended),
                "seconds": round((ended - started).total_seconds(), 3),
                **outcome,
            }
        )
