"""Silver tables of coin categories, from cryptocurrency/categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.columns import snapshot_text
from cryptoelt.transform.rules import cleaned_text, percent, ratio

if TYPE_CHECKING:
    from pyspark.sql import Column

_FIGURES = ("num_tokens", "avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change")


def _dimension() -> dict[str, Column]:
    return {
        "category_id": cleaned_text("id"),
        "name": cleaned_text("name"),
        "title": cleaned_text("title"),
        "description": cleaned_text("description"),
    }


def _fact() -> dict[str, Column]:
    return {
        "category_id": cleaned_text("id"),
        **{name: F.col(name) for name in _FIGURES},
        "last_updated": cleaned_text("last_updated"),
    }


def _kpis() -> dict[str, Column]:
    """Return the KPIs; the API's `*_change` figures are percentages."""
    return {
        "snapshot_str": snapshot_text(),
        "volume_to_market_cap_ratio": ratio(F.col("volume"), F.col("market_cap")),
        "dominance_per_token": ratio(F.col("market_cap"), F.col("num_tokens")),
        "market_cap_change_rate": percent(F.col("market_cap_change")),
        "volume_change_rate": percent(F.col("volume_change")),
        "price_change_index": F.col("avg_price_change") * F.col("num_tokens"),
    }


class CategoryTransformer(BaseTransformer):
    """dim_crypto_category and fact_crypto_category."""

    domain = "category"
    builds: ClassVar[dict[str, Build]] = {
        "dim_crypto_category": Build(frozenset({"id", "name", "title", "description"}), ("category_id",), _dimension),
        "fact_crypto_category": Build(frozenset({"id", "last_updated", *_FIGURES}), ("category_id",), _fact, _kpis),
    }
