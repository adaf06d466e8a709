"""The sections of the settings: what can be configured, of which type, and what holds where nothing is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    field_validator,
)

PUBLIC_API = "https://pro-api.coinmarketcap.com"
EMBEDDED = "embedded"
AUTO = "auto"
#: Days on which a credit month can be told to begin: those that every month has.
RESET_DAYS = range(1, 29)
#: A limit that is not set, or set to `auto`, is None: it is what key/info says.
OrAuto = BeforeValidator(lambda value: None if value == AUTO else value)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiSettings(_Section):
    """How the CoinMarketCap API is asked."""

    base_url: str = PUBLIC_API
    key: SecretStr | None = None
    requests_per_minute: Annotated[PositiveInt | None, OrAuto] = None
    """None takes what key/info says; a number only lowers that."""
    clock_tolerance: float = Field(default=10, ge=0, le=10_000_000)
    """Minutes by which our clock may differ from the API's before a run refuses to call."""
    connect_timeout: float = Field(default=10, gt=0)
    read_timeout: float = Field(default=60, gt=0)
    max_tries: int = Field(default=5, ge=1, le=5)
    max_wait: float = Field(default=65, ge=0)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if not _is_http_url(value):
            msg = "must be an http or https URL"
            raise ValueError(msg)
        return value.rstrip("/")


class WarehouseSettings(_Section):
    """Where the warehouse is: `embedded`, or a SQLAlchemy URL of a PostgreSQL 15 or newer."""

    url: SecretStr = SecretStr(EMBEDDED)

    @property
    def is_embedded(self) -> bool:
        """Tell whether the warehouse is the PostgreSQL that cryptoelt starts itself."""
        return self.url.get_secret_value() == EMBEDDED

    @property
    def place(self) -> str:
        """Where the warehouse is, without user and password: `embedded`, or host, port and database."""
        parts = urlsplit(self.url.get_secret_value())
        return EMBEDDED if self.is_embedded else f"{parts.hostname}:{parts.port or 5432}{parts.path}"


class SparkSettings(_Section):
    """The Spark master, and any other Spark property, which wins over what cryptoelt would set."""

    master: str = "local[*]"
    conf: dict[str, str] = Field(default_factory=dict, repr=False)

    @field_validator("conf", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in _flatten(value)}


class LakeSettings(_Section):
    """Where the lake is: a URI, or a folder, relative to the home; None means the folder `lake` of the home."""

    root: str | None = None


class BudgetSettings(_Section):
    """The monthly credits and how they may be spent."""

    monthly_credits: Annotated[NonNegativeInt | None, OrAuto] = None
    """None takes what key/info says; a number only lowers that."""
    buffer: float = Field(default=0.35, ge=0, lt=1)
    reset_day: int = Field(default=1, ge=RESET_DAYS[0], le=RESET_DAYS[-1])
    category_share: float = Field(default=0.06, ge=0, le=1)
    prices: dict[str, NonNegativeInt] = Field(default_factory=dict)
    """Endpoint name -> credits of one call, where the provider's price is not the catalogue's."""

    def spendable_of(self, limit: int) -> int:
        """Return the credits of a month that may be spent of a limit: the limit less the buffer."""
        return int(limit * (1 - Fraction(str(self.buffer))))  # exact, whatever the limit


class ExtractSettings(_Section):
    """What is asked for, and how often it is asked again."""

    listings_limit: int = Field(default=5000, ge=1, le=100_000)
    """Coins of a listings snapshot, by rank."""
    listings_version: Literal["v3", "v1"] = "v3"
    rotation_days: int = Field(default=90, ge=1)
    """Daily scans in which every exchange that does not publish its wallets is asked for them once."""
    info_days: int = Field(default=90, ge=1)
    """Days after which a coin's info is asked again."""
    membership_days: int = Field(default=30, ge=1)
    """Days after which a category's members are asked again although their number is unchanged."""
    unusable_share: float = Field(default=0.5, gt=0, le=1)
    """An answer is unusable where more than this share of it is rejected, missing, or without its measure; 1: never."""
    unusable_tries: int = Field(default=3, ge=1)
    """Unusable answers after which a window's endpoint, or an id of its scan, is asked no more."""


class ScheduleSettings(_Section):
    """When scheduled runs come too late."""

    grace: dict[str, PositiveInt] = Field(default_factory=dict)
    """Frequency -> minutes for which its windows stay open, where that is not the frequency's own."""


class RoleSettings(_Section):
    """The roles of the warehouse that `db roles` makes."""

    passwords: dict[str, SecretStr] = Field(default_factory=dict, repr=False)
    """Role -> the password by which it logs in."""


class QualitySettings(_Section):
    """When quality checks are run."""

    after_load: bool = True
    """Check the tables that a run has loaded."""


class MachineSettings(_Section):
    """Where `cryptoelt setup` keeps what is shared by all homes of this machine; None means the user's cache."""

    cache: Path | None = None


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its text quotes the URL, which may hold a password
        return False


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in values.items():
        flat += _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return flat
