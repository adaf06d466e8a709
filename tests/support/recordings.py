"""The recorded answers that tests read: a small set made for this repository, and real ones where a machine has them.

The small set (`tests/recorded`, written by `tests.support.making`) has invented values in the shapes of the
real answers, oddities included. The real ones are not part of the project, because they are not ours to publish: they
are looked for beside the checkout, or where PAYLOADS says.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.raw_json import members

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "tests" / "recorded"
REAL = Path(os.environ.get("PAYLOADS") or ROOT.parent / "shared" / "payloads")
#: Why a test of the real answers alone is left out.
NO_REAL = f"the real recorded answers are not on this machine ({REAL}; PAYLOADS=folder names another place)"
_STATUS = b'{"timestamp":"2022-10-27T00:00:00.000Z","error_code":0,"error_message":null,"elapsed":9,"credit_count":1}'


@dataclass(frozen=True)
class Recording:
    """One recorded answer of one endpoint."""

    endpoint: str
    path: Path

    @property
    def name(self) -> str:
        """How it is called in a test's name: the set, and the file."""
        return f"{'real' if self.path.is_relative_to(REAL) else 'small'}:{self.path.parent.name}/{self.path.stem}"

    @property
    def is_real(self) -> bool:
        """Whether it is one of the real answers."""
        return self.path.is_relative_to(REAL)

    @cached_property
    def body(self) -> bytes:
        """The body, byte for byte; some were recorded without their envelope, and get one."""
        content = self.path.read_bytes()
        return enveloped(content) if self.path.stem.endswith("_noenvelope") else content

    @cached_property
    def data(self) -> Any:
        """What `data` of the body says."""
        return json.loads(self.body).get("data")

    @cached_property
    def raw_data(self) -> str:
        """The text of `data`, as it was recorded."""
        return members(self.body.decode("utf-8-sig"))["data"]

    @property
    def day(self) -> str:
        """The day it was recorded on, as its name says."""
        found = re.search(r"\d{4}-\d{2}-\d{2}", self.path.stem)
        return "" if found is None else found[0]

    @property
    def records(self) -> list[Any]:
        """The records of the answer, as Bronze holds them."""
        return records_of(self.endpoint, self.data)


def recordings(*endpoints: str) -> list[Recording]:
    """Return the recorded answers of endpoints: those of the small set, then the real ones, each by name."""
    return [*recordings_in(SMALL, *endpoints), *recordings_in(REAL, *endpoints)]


def recordings_in(root: Path, *endpoints: str) -> list[Recording]:
    """Return the recorded answers of endpoints in one set, by name."""
    found = ((endpoint, root / folder_of(endpoint)) for endpoint in endpoints)
    return [Recording(endpoint, path) for endpoint, folder in found for path in sorted(folder.glob("*.json"))]


def folder_of(endpoint: str) -> str:
    """Return the name of the folder that holds the recordings of an endpoint."""
    return endpoint.replace("/", "_").replace("-", "_")


def enveloped(data: bytes) -> bytes:
    """Return data in an envelope that reports success."""
    return b'{"status":' + _STATUS + b',"data":' + data + b"}"


def records_of(endpoint: str, data: Any) -> list[Any]:
    """Return the records in the data of an answer, in the order of their rows in Bronze."""
    if endpoint == "cryptocurrency/category":
        return [{name: value for name, value in data.items() if name != "coins"}, *data["coins"]]
    if endpoint in {"exchange/info", "cryptocurrency/info"}:
        return [record for value in data.values() for record in (value if isinstance(value, list) else [value])]
    return list(data) if isinstance(data, list) else [data]
