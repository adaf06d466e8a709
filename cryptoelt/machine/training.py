"""The run whose classes go into the class-data archive: the real transformation of a small synthetic market."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import SecretStr

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import StorageError
from cryptoelt.pipeline.jobs import Job
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ApiSettings, MachineSettings, Settings
from cryptoelt.tables import TABLES

#: The first snapshot makes each table, the second one appends to it, as a daily run does.
_SNAPSHOTS = 2
_UNLIMITED = 100_000


def _sandbox() -> SandboxServer:
    """Return a small market: which classes are needed does not depend on the number of rows."""
    return SandboxServer(seed=1, world="small", minute_limit=_UNLIMITED, monthly_credits=_UNLIMITED)


def train(cache_dir: Path, java_options: list[str]) -> None:
    """Run extraction and transformation in a throw-away home, with extra options for the JVM.

    Raises:
        StorageError: the run did not succeed, so its archive would be of little use.
    """
    with tempfile.TemporaryDirectory(prefix="cryptoelt-training-") as folder, _sandbox() as sandbox:
        settings = Settings(
            home=Path(folder),
            api=ApiSettings(
                base_url=sandbox.base_url, key=SecretStr("training"), max_wait=0, requests_per_minute=_UNLIMITED
            ),
            machine=MachineSettings(cache=cache_dir),
        )
        for _ in range(_SNAPSHOTS):
            result = Pipeline(Runtime(settings, "training")).run(Job(endpoints=list(ENDPOINTS)))
            if result.exit_code:
                raise StorageError(
                    "the training run could not extract from the sandbox", hint="run `cryptoelt setup` again"
                )
        runtime = Runtime(settings, "training", java_options=tuple(java_options))
        result = Pipeline(runtime).run(Job(transform=list(TABLES)))
        if result.exit_code:
            reason = next((unit.error.message for unit in result.units if unit.error), "no unit says why")
            raise StorageError(f"the training run failed: {reason}", hint="run `cryptoelt doctor`")
