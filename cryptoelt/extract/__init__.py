"""From the API to Bronze: one file per endpoint; a new one is found by being here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.plugins import subclasses_in

if TYPE_CHECKING:
    from cryptoelt.extract.base import BaseExtractor


def extractors() -> dict[str, type[BaseExtractor]]:
    """Return every extractor class by its endpoint's name."""
    from cryptoelt.extract.base import BaseExtractor

    return {cls.endpoint_name: cls for cls in subclasses_in(__name__, BaseExtractor, "endpoint_name")}
