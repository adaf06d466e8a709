"""Extract exchange/info: texts, links, fees, visits and volume of every exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.extract.fields import first_text, integer, moment, number, prose, text, texts
from cryptoelt.extract.keyed import KeyedScanExtractor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class ExchangeInfoExtractor(KeyedScanExtractor):
    """GET /v1/exchange/info for every exchange of the newest map: fees and visits change from week to week.

    One id that is no longer valid refuses its whole batch; it is isolated, and the others are asked without it.
    """

    endpoint_name = "exchange/info"
    columns = (
        integer("id"),
        text("name"),
        text("slug"),
        text("logo"),
        prose("description"),
        moment("date_launched"),
        prose("notice"),
        texts("fiats"),
        number("maker_fee"),
        number("taker_fee"),
        integer("weekly_visits"),
        number("spot_volume_usd"),
        moment("spot_volume_last_updated"),
        first_text("website_url", "urls", "website"),
        first_text("twitter_url", "urls", "twitter"),
        first_text("blog_url", "urls", "blog"),
        first_text("fee_url", "urls", "fee"),
    )
    key = ("id",)
    measures = ("name",)
    unbuilt = frozenset({"notice"})

    def plan(self, snapshot: datetime) -> Sequence[str]:  # noqa: ARG002 - everyone, whenever
        """Return every exchange of the newest map."""
        return [str(id_) for id_ in self.ids_on("exchange/map")]
