"""The endpoints of the sandbox. A new one is a module with one class, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.endpoints.categories import Categories
from cryptoelt.sandbox.endpoints.category import CategoryOfCoins
from cryptoelt.sandbox.endpoints.cryptocurrency_map import CryptocurrencyMap
from cryptoelt.sandbox.endpoints.exchange_assets import ExchangeAssets
from cryptoelt.sandbox.endpoints.exchange_info import ExchangeInfo
from cryptoelt.sandbox.endpoints.exchange_map import ExchangeMap
from cryptoelt.sandbox.endpoints.fear_and_greed import FearAndGreedHistorical, FearAndGreedLatest
from cryptoelt.sandbox.endpoints.global_metrics import GlobalMetrics
from cryptoelt.sandbox.endpoints.info import CryptocurrencyInfo, CryptocurrencyInfoV1
from cryptoelt.sandbox.endpoints.key_info import KeyInfo
from cryptoelt.sandbox.endpoints.listings import ListingsLatest, ListingsLatestV1

if TYPE_CHECKING:
    from cryptoelt.sandbox.endpoints.base import Endpoint

#: path -> endpoint
ENDPOINTS: dict[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        Categories(),
        CategoryOfCoins(),
        CryptocurrencyMap(),
        CryptocurrencyInfo(),
        CryptocurrencyInfoV1(),
        ListingsLatest(),
        ListingsLatestV1(),
        GlobalMetrics(),
        FearAndGreedLatest(),
        FearAndGreedHistorical(),
        ExchangeMap(),
        ExchangeAssets(),
        ExchangeInfo(),
        KeyInfo(),
    )
}
