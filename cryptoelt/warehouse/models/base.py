"""What every model shares: types by annotation, names of constraints, and what the load must know of a table."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import TIMESTAMP, BigInteger, Boolean, Date, Double, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DWH = "dwh"
OPS = "ops"
#: Schemas that hold no table of a model: business views, and views on anomalies and monitoring.
VIEW_SCHEMAS = ("analytics", "monitoring")

INFERRED = "True while only other records have named it; its own row completes it."
LAST_CHANGE = "The snapshot that last changed this row."
VALID_FROM = "The first snapshot that showed this version."
VALID_TO = "The snapshot that showed the next version; exclusive."

_PERCENT = "Percent, as the API sent it: 3.05 means 3.05 %."
_IS_KNOWN = "True where the KPI could be computed; a genuine zero is known."


class Base(DeclarativeBase):
    """What every table shares: types by annotation, and names of constraints that do not depend on the server."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bool: Boolean,
        int: BigInteger,
        float: Double,
        Decimal: Numeric,
        str: Text,
        date: Date,
        datetime: TIMESTAMP(timezone=True),
        list[str]: ARRAY(Text),
    }


class Loaded:
    """A table of schema `dwh`: every row says which load brought it."""

    #: Columns that the warehouse writes itself; Silver does not have them.
    own_columns: ClassVar[frozenset[str]] = frozenset()
    #: Columns that Silver has beside those of the warehouse: what a load needs and the table does not keep.
    silver_columns: ClassVar[dict[str, type]] = {}
    #: Columns that may be NULL in Silver although the warehouse demands them: rows without them are for the load alone,
    #: or the load knows what stands for NULL.
    optional_in_silver: ClassVar[frozenset[str]] = frozenset()
    #: Attributes of a stable dimension whose change does not make a new version of the row.
    volatile_columns: ClassVar[frozenset[str]] = frozenset()
    #: Of a column that refers to a dimension: dimension column -> Silver column that fills it in an inferred member.
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {}

    # The row of ops.load_batch that wrote this one; no foreign key, which would cost a bulk load a look-up per row.
    load_batch_id: Mapped[int] = mapped_column(sort_order=1000)


def percent() -> Mapped[float | None]:
    """Declare a column of percentage points, as the API sends them."""
    return mapped_column(comment=_PERCENT)


def kpi(formula: str) -> Mapped[float | None]:
    """Declare a derived figure and say how it is computed."""
    return mapped_column(comment=f"{formula}; NULL where that is undefined.")


def check() -> Mapped[bool | None]:
    """Declare a flag that says whether a KPI is known."""
    return mapped_column(comment=_IS_KNOWN)
