"""From Bronze to Silver: one file per domain; a new one is found by being here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.plugins import subclasses_in

if TYPE_CHECKING:
    from cryptoelt.transform.base import BaseTransformer


def transformers() -> dict[str, type[BaseTransformer]]:
    """Return every transformer class by its domain."""
    from cryptoelt.transform.base import BaseTransformer

    return {cls.domain: cls for cls in subclasses_in(__name__, BaseTransformer, "domain")}
