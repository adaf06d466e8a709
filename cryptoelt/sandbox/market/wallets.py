"""The wallets that synthetic exchanges publish, and what is in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from cryptoelt.sandbox.market.addresses import Shape, address, in_mixed_case
from cryptoelt.sandbox.market.coin_figures import figures_of
from cryptoelt.sandbox.market.coin_quotes import price
from cryptoelt.sandbox.market.coins import others, roster
from cryptoelt.sandbox.market.exchanges import period, turns
from cryptoelt.sandbox.market.noise import DAY, digest, walk

if TYPE_CHECKING:
    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.exchanges import Exchange
    from cryptoelt.sandbox.market.world import Market

_LEAST_SHOWN = 100_000.0
_ROWS_OF_A_NEWCOMER = 12
_TETHER = 825
_FOREIGN_SHARE = 0.15

#: The coins whose chains share addresses, and the chains that have addresses of their own, each with its share.
_SHARING = (1027, 1839, 5805)
_OWN_CHAINS: tuple[tuple[int, Shape, float], ...] = (
    (1, Shape.BITCOIN, 0.3), (1958, Shape.TRON, 0.2), (5426, Shape.SOLANA, 0.2), (74, Shape.DOGECOIN, 0.12),
    (52, Shape.RIPPLE, 0.1), (2010, Shape.CARDANO, 0.08),
)  # fmt: skip
#: Chains that carry more than their own coin.
_CARRYING = frozenset({1958, 5426})

#: Whole balances that no 64-bit float counts one by one, and one that no 64-bit integer holds.
_BEYOND_53_BITS, _BEYOND_63_BITS = 95_000_000_031_000_000, 120_000_000_000_000_000_000


@dataclass(frozen=True)
class Holding:
    """What one wallet holds of one coin on one chain.

    Attributes:
        chain: the coin of the chain.
        amount: how much is there usually.
        restless: how far the amount moves; 0 for one that rests.
        passing: whether the wallet is among those published only at times.
    """

    wallet: str
    chain: int
    coin: Coin
    amount: float | int
    restless: float
    passing: bool = False


def asset_records(market: Market, exchange: Exchange, moment: float) -> list[dict[str, object]]:
    """Return the rows that exchange/assets sends; none for an exchange that publishes nothing."""
    if exchange.place is None:
        return []
    now = roster(market, moment).by_id
    prices: dict[int, float] = {}
    rows: list[dict[str, object]] = []
    for holding in _holdings(market, exchange.key, exchange.place):
        if holding.passing and _is_away(market, holding.wallet, moment):
            continue
        chain, coin = now[holding.chain], now.get(holding.coin.id, holding.coin)
        if coin.id not in prices:
            prices[coin.id] = price(market, coin, moment)
        balance = _balance(market, holding, moment)
        if not 0 < balance * prices[coin.id] < _LEAST_SHOWN:
            rows.append(
                {
                    "wallet_address": holding.wallet,
                    "balance": balance,
                    "platform": {"crypto_id": chain.id, "symbol": chain.symbol, "name": chain.name},
                    "currency": {
                        "crypto_id": coin.id,
                        "price_usd": prices[coin.id],
                        "symbol": coin.symbol,
                        "name": coin.name,
                    },
                }
            )
    return rows


def _is_away(market: Market, wallet: str, moment: float) -> bool:
    length = period(market, 20, 60, 1.5, "wallet", wallet)
    return turns(market, moment, length, "wallet", wallet) % 2 == 1


def _balance(market: Market, holding: Holding, moment: float) -> float | int:
    if not holding.restless:
        return holding.amount
    moves = walk(market.seed, "balance", holding.wallet, holding.chain, holding.coin.id, fastest=DAY / 8).at(moment)
    return round(holding.amount * math.exp(holding.restless * moves), 2)


@lru_cache(maxsize=256)
def _holdings(market: Market, key: str, place: int) -> tuple[Holding, ...]:
    """Return what an exchange publishes; the same holding stands there twice, now and then."""
    size = max(3, round(market.world.wallet_rows / (place + 1) ** 1.05))
    if place >= market.world.publishers:
        size = _ROWS_OF_A_NEWCOMER
    drawer = _Drawer(market, Random(digest(market.seed, "wallets", key)), size)  # noqa: S311 - a market, not a secret
    found = drawer.draw()
    repeated = max(1, size // 300) if size > _ROWS_OF_A_NEWCOMER else 0
    found += drawer.chance.sample(found, repeated)
    drawer.chance.shuffle(found)
    return tuple(found)


@lru_cache(maxsize=8)
def _coins_held(market: Market) -> tuple[tuple[Coin, ...], tuple[Coin, ...]]:
    """Return the coins in wallets: those active from the beginning, weighty ones first, and some inactive ones."""
    held = [coin for coin in roster(market, 0.0).listed if figures_of(market, coin).quirk != "huge supply"]
    held.sort(key=lambda coin: not figures_of(market, coin).weight)
    return tuple(held), tuple(coin for coin in others(market, 0.0)[:200] if coin.status == "inactive")


class _Drawer:
    """Draws the wallets of one exchange."""

    def __init__(self, market: Market, chance: Random, size: int) -> None:
        self.market, self.chance, self.size = market, chance, size
        self.active, self.inactive = _coins_held(market)
        self.by_id = {coin.id: coin for coin in self.active}
        self.found: list[Holding] = []

    def draw(self) -> list[Holding]:
        """Return as many holdings as the exchange has, no two of one coin in one wallet on one chain."""
        self._first_wallet()
        while len(self.found) < self.size:
            if self.chance.random() < 0.6:
                self._shared_address()
            else:
                self._own_address()
        del self.found[self.size :]
        return self._some_passing() if self.market.world.churn else self.found

    def _first_wallet(self) -> None:
        """Draw what breaks naive code: an address on three chains, balances beyond 53 and 63 bits, an inactive coin."""
        first = address(self.chance, Shape.SHARED)
        for chain in _SHARING:
            spelt = in_mixed_case(first) if chain == _SHARING[-1] else first
            self._add(spelt, chain, self.by_id[_TETHER])
        if self.size <= 10:
            return
        cheap = sorted(self.active[:400], key=lambda coin: figures_of(self.market, coin).price or math.inf)[:2]
        amounts = (_BEYOND_53_BITS, _BEYOND_63_BITS)
        for coin, amount in zip(cheap, amounts, strict=True):
            self.found.append(Holding(first, _SHARING[0], coin, amount, 0))
        self._add(first, _SHARING[1], self.chance.choice(self.inactive))

    def _some_passing(self) -> list[Holding]:
        """Return the holdings; the wallet drawn last and a few others are published only at times, the first always."""
        wallets = list(dict.fromkeys(holding.wallet for holding in self.found))[len(_SHARING) :]
        passing = {wallet for wallet in wallets if self.chance.random() < 0.04} | set(wallets[-1:])
        return [replace(holding, passing=holding.wallet in passing) for holding in self.found]

    def _shared_address(self) -> None:
        """Draw an address that is the same on several chains: written alike, or with capitals on one of them."""
        wallet = address(self.chance, Shape.SHARED)
        most = max(3, self.size // 25)
        held = self._some_coins(self.chance.randrange(1, most + 1))
        for turn, chain in enumerate(_SHARING):
            if turn and self.chance.random() < 0.5:
                continue
            spelt = in_mixed_case(wallet) if self.chance.random() < 0.3 else wallet
            here = held if turn == 0 else self._some_coins(max(1, len(held) // 3))
            again = [coin for coin in held if coin not in here and self.chance.random() < _FOREIGN_SHARE]
            for coin in (self.by_id[chain], *here, *(again if turn else [])):
                self._add(spelt, chain, coin)

    def _own_address(self) -> None:
        chain, shape, _ = self.chance.choices(_OWN_CHAINS, [share for *_, share in _OWN_CHAINS])[0]
        wallet = address(self.chance, shape)
        more = self._some_coins(self.chance.randrange(0, 4)) if chain in _CARRYING else []
        for coin in (self.by_id[chain], *more):
            self._add(wallet, chain, coin)

    def _some_coins(self, number: int) -> list[Coin]:
        """Draw different coins without a chain of their own, the large ones rather than the small."""
        drawn = {self.active[int(len(self.active) * self.chance.random() ** 3)] for _ in range(number)}
        chains = {*_SHARING, *(chain for chain, *_ in _OWN_CHAINS)}
        found = sorted((coin for coin in drawn if coin.id not in chains), key=lambda coin: coin.id)
        if self.chance.random() < 0.04:
            found.append(self.chance.choice(self.inactive))
        return found

    def _add(self, wallet: str, chain: int, coin: Coin) -> None:
        chance, usual = self.chance, figures_of(self.market, coin).price or 1.0
        worth = min(1e10, max(4e5, math.exp(chance.gauss(15.5, 1.8))))
        if self.market.world.churn and chance.random() < 0.06:
            worth = chance.uniform(0.6, 1.6) * _LEAST_SHOWN
        amount = worth / usual
        if chance.random() < 0.25 and amount >= 1000:
            step = 10 ** (len(str(int(amount))) - 3)
            self.found.append(Holding(wallet, chain, coin, int(amount) // step * step, 0))
            return
        digits = 2 if amount >= 1 else 8
        self.found.append(Holding(wallet, chain, coin, round(amount, digits), chance.choice((0, 0.02, 0.08))))
