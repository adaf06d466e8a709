"""Extractors at work against a real sandbox whose time, and theirs, is moved by the test."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.governor import Governor
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import CryptoEltError
from cryptoelt.extract import extractors
from cryptoelt.extract.base import BaseExtractor, ExtractContext
from cryptoelt.frequencies import INIT, Window
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.store import LocalStore
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase, Unit
from cryptoelt.settings import ApiSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.lake.bronze import BronzeFile
    from cryptoelt.sandbox.server import SandboxServer

DAY = 86_400.0


class SandboxTime(Clock):
    """Tells the sandbox's time, which stands still until a test moves it."""

    def __init__(self, sandbox: SandboxServer) -> None:
        super().__init__()
        self._sandbox = sandbox

    def now(self) -> datetime:
        return self._sandbox.now()


class Killed(BaseException):
    """The process is gone: nobody tidies up behind it."""


@dataclass
class Ran:
    """What one run of an extractor did."""

    snapshot: datetime
    unit: Unit
    calls: list[dict[str, Any]]
    error: CryptoEltError | None = None

    @property
    def ids(self) -> list[str]:
        """The ids asked for, call by call."""
        return [id_ for call in self.calls for id_ in call["parameters"]["id"].split(",")]

    @property
    def credits(self) -> int:
        return sum(call["credits"] for call in self.calls)


@dataclass
class Extracting:
    """Runs extractors one by one in a home, as the pipeline does."""

    home: Path
    sandbox: SandboxServer
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        api = ApiSettings(
            base_url=self.sandbox.base_url, key=SecretStr("canary"), max_wait=0, requests_per_minute=100_000
        )
        self.settings = Settings(home=self.home, api=api, **self.options)
        self.clock = SandboxTime(self.sandbox)
        self.bronze = Bronze(LocalStore(self.home / "lake"))
        self.ledger = CreditLedger(self.settings.metadata_dir, self.settings.budget, self.clock)

    def __call__(
        self,
        endpoint: str,
        *,
        window: Window | None = None,
        kept: Callable[[], int] | None = None,
        cls: type[BaseExtractor] | None = None,
    ) -> Ran:
        """Run one extractor.

        Args:
            endpoint: whom to ask.
            window: the window it serves.
            kept: credits to keep for what cannot wait.
            cls: the extractor; default: the endpoint's own.

        Raises:
            Killed: the extractor itself raised it.
        """
        now = self.clock.now().replace(microsecond=0)
        last = self.bronze.last_snapshot(endpoint)
        ran = Ran(now if last is None else max(now, last + timedelta(seconds=1)), Unit(Phase.EXTRACT, endpoint), [])
        first, settings = len(self.sandbox.served()), self.settings
        with CoinMarketCapClient(settings, self.ledger, self.clock, run_id="run") as client:
            context = ExtractContext(
                client,
                self.bronze,
                self.clock,
                settings.metadata_dir,
                "run",
                settings.extract,
                settings.budget,
                Governor(self.ledger, kept),
                window,
            )
            try:
                (cls or extractors()[endpoint])(context).run(ran.snapshot, ran.unit)
            except CryptoEltError as exc:
                ran.unit.failed(exc)
                ran.error = exc
            finally:
                ran.calls = self.sandbox.served()[first:]
        return ran

    def init(self, *endpoints: str, **how: Any) -> list[Ran]:
        """Run extractors as the init of this moment does."""
        window = Window(INIT, self.clock.now().replace(microsecond=0))
        return [self(endpoint, window=window, **how) for endpoint in endpoints]

    def killed(self, endpoint: str, cls: type[BaseExtractor], **how: Any) -> list[dict[str, Any]]:
        """Run an extractor that is killed on its way; return what it had asked."""
        first = len(self.sandbox.served())
        with suppress(Killed):
            self(endpoint, cls=cls, **how)
            raise AssertionError("it was not killed")
        return self.sandbox.served()[first:]

    def rows(self, ran: Ran, *columns: str) -> list[dict[str, Any]]:
        """Return columns of what a run has written."""
        (found,) = [found for found in self.bronze.snapshots(ran.unit.name) if found.snapshot == ran.snapshot]
        return self.bronze.read(found, list(columns)).to_pylist()

    def journal(self, endpoint: str) -> dict[str, Any]:
        """Return the last line of an extractor's journal."""
        line = Journal(self.settings.metadata_dir, Phase.EXTRACT, endpoint).last()
        assert line is not None
        return line

    def served(self, call: dict[str, Any]) -> Any:
        """Return the data that the sandbox answered a call with."""
        return json.loads(self.sandbox.served_body(call["sequence"]) or b"")["data"]

    def spoil(self, file: BronzeFile) -> None:
        """Damage the rows of a file, and leave its footer as it is."""
        path = self.home / "lake" / file.path
        whole = path.read_bytes()
        footer = int.from_bytes(whole[-8:-4], "little") + 8
        path.write_bytes(b"\xff" * (len(whole) - footer) + whole[-footer:])

    def next_weekday(self) -> None:
        """Let a day pass, and the weekend after a Friday."""
        self.sandbox.advance(DAY * (3 if self.clock.now().weekday() == 4 else 1))
