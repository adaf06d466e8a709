"""Silver tables of coin categories, from cryptocurrency/categories and cryptocurrency/category."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.extract.cryptocurrency_category import CategoryExtractor
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.columns import as_sent, same_names, snapshot_column
from cryptoelt.transform.rules import cleaned_text, finite, percent, ratio

if TYPE_CHECKING:
    from pyspark.sql import Column

_FIGURES = ("num_tokens", "avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change")
#: Columns of a category's pages and coins, called alike in Bronze and Silver.
_PAGE = same_names(
    "category_id", "page_start", "is_last_page", "num_tokens", "crypto_id", "crypto_name", "crypto_symbol"
)


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
        **snapshot_column(),
        "volume_to_market_cap_ratio": ratio(F.col("volume"), F.col("market_cap")),
        "dominance_per_token": ratio(F.col("market_cap"), F.col("num_tokens")),
        "market_cap_change_rate": percent(F.col("market_cap_change")),
        "volume_change_rate": percent(F.col("volume_change")),
        "price_change_index": finite(F.col("avg_price_change") * F.col("num_tokens")),
    }


def _observed() -> dict[str, Column]:
    """Return a page of a category, or a coin on it; only a page may be without a coin's id."""
    names_its_subject = F.when(~F.col("is_member") | F.col("crypto_id").isNotNull(), F.lit(1))
    return {**as_sent(CategoryExtractor, _PAGE), "names_its_subject": names_its_subject}


class CategoryTransformer(BaseTransformer):
    """dim_crypto_category, fact_crypto_category and link_crypto_category."""

    domain = "category"
    builds: ClassVar[dict[str, Build]] = {
        "dim_crypto_category": Build(frozenset({"id", "name", "title", "description"}), ("category_id",), _dimension),
        "fact_crypto_category": Build(frozenset({"id", "last_updated", *_FIGURES}), ("category_id",), _fact, _kpis),
        "link_crypto_category": Build(
            frozenset({*_PAGE, "is_member"}),
            ("category_id", "page_start", "crypto_id"),
            _observed,
            required=("category_id", "names_its_subject"),
        ),
    }
