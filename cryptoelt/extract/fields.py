"""From a JSON value to a typed column: what fits is kept exactly, what does not is named, nothing is guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cryptoelt.clock import parse_iso
from cryptoelt.identity import is_too_long
from cryptoelt.lake.bronze import COMMON_FIELDS, UTC_MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_INT64 = 2**63

#: What blanks are, when a text is trimmed.
BLANKS = " \t\r\n"
#: Stands for a value whose surrounding object is not an object; it fits no type.
MISPLACED = object()

WRONG_TYPE = "wrong_type"
NON_FINITE = "non_finite"
NUL_IN_TEXT = "nul_in_text"

TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """One typed Bronze column, and where its value stands in a record.

    Attributes:
        name: the column.
        type: its Arrow type.
        path: keys from the record down to the value; default: the column's own name.
        is_first_of_list: whether a list stands there of which the first item is the value.
        is_prose: whether it is a text of any length, in no index of the warehouse.
    """

    name: str
    type: pa.DataType
    path: tuple[str, ...] = ()
    is_first_of_list: bool = False
    is_prose: bool = False

    def value_in(self, record: Any) -> Any:
        """Return the value a record has for this column; None where it has none, MISPLACED where it cannot have one."""
        for key in self.path or (self.name,):
            if record is None:
                return None
            if not isinstance(record, dict):
                return MISPLACED
            record = record.get(key)
        return _first(record) if self.is_first_of_list else record


def text(name: str, *path: str) -> Column:
    """Declare a text column."""
    return Column(name, pa.string(), path)


def prose(name: str, *path: str) -> Column:
    """Declare a column of texts that are long by right."""
    return Column(name, pa.string(), path, is_prose=True)


def texts(name: str, *path: str) -> Column:
    """Declare a column of lists of texts."""
    return Column(name, TEXTS, path)


def first_text(name: str, *path: str) -> Column:
    """Declare a text column that takes the first of a list of texts."""
    return Column(name, pa.string(), path, is_first_of_list=True)


def flag(name: str, *path: str) -> Column:
    """Declare a column of truth values, sent as true and false."""
    return Column(name, pa.bool_(), path)


def number(name: str, *path: str) -> Column:
    """Declare a column of double precision."""
    return Column(name, pa.float64(), path)


def integer(name: str, *path: str) -> Column:
    """Declare a column of 64-bit integers."""
    return Column(name, pa.int64(), path)


def moment(name: str, *path: str) -> Column:
    """Declare a column of UTC timestamps, sent as ISO 8601."""
    return Column(name, UTC_MICROSECONDS, path)


def day(name: str, *path: str) -> Column:
    """Declare a column of days, sent as ISO 8601 with or without a time."""
    return Column(name, pa.date32(), path)


def fit(value: Any, type_: pa.DataType) -> tuple[Any, str | None]:
    """Return the value as the type holds it, and the rule it breaks; (None, rule) where it does not fit.

    A number is never read from a text, nor a text made from a number: a type that changed must be seen.
    """
    if value is None:
        return None, None
    return _FITTING[type_](value)


def fitted(
    columns: Sequence[Column], subjects: Iterable[Any], constants: Mapping[str, Any]
) -> tuple[dict[str, list[Any]], list[list[str] | None]]:
    """Return the values of columns, column by column, and of each subject the rules it breaks; None for none.

    Args:
        columns: the columns.
        subjects: what they are taken from.
        constants: values of columns that the request says, not the subject.
    """
    values: dict[str, list[Any]] = {column.name: [] for column in columns}
    unfit: list[list[str] | None] = []
    for subject in subjects:
        broken = []
        for column in columns:
            sent = constants[column.name] if column.name in constants else column.value_in(subject)
            value, rule = fit(sent, column.type)
            values[column.name].append(value)
            if rule is not None:
                broken.append(f"{column.name}={rule}")
        unfit.append(broken or None)
    return values, unfit


def bronze_rows(
    columns: Sequence[Column], common: Sequence[Sequence[Any]], values: Mapping[str, Sequence[Any]]
) -> pa.Table:
    """Return the rows of a Bronze file: the values of the common fields, in their order, then those of columns."""
    schema = pa.schema([*COMMON_FIELDS, *(pa.field(column.name, column.type) for column in columns)])
    every = [*common, *(values[column.name] for column in columns)]
    return pa.table([pa.array(one, field.type) for one, field in zip(every, schema, strict=True)], schema=schema)


def has_long_text(columns: Iterable[Column], values: Mapping[str, Iterable[Any]]) -> bool:
    """Tell whether some text might not fit into an index of the warehouse; a prose never stands in one."""
    limited = (column.name for column in columns if column.type == pa.string() and not column.is_prose)
    return any(value is not None and is_too_long(value) for name in limited for value in values[name])


def _first(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list):
        return MISPLACED
    return value[0] if value else None


def _fit_day(value: Any) -> tuple[Any, str | None]:
    fitted, rule = _fit_moment(value)
    return (None if fitted is None else fitted.date()), rule


def trimmed(value: Any) -> Any:
    """Return a text without blanks around it, None for the empty one; other values as they are."""
    return value.strip(BLANKS) or None if isinstance(value, str) else value


def _fit_text(value: Any) -> tuple[Any, str | None]:
    if not isinstance(value, str):
        return None, WRONG_TYPE
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: JSON can spell it, UTF-8 cannot
        return None, WRONG_TYPE
    return value, NUL_IN_TEXT if "\0" in value else None


def _fit_texts(value: Any) -> tuple[Any, str | None]:
    if not isinstance(value, list):
        return None, WRONG_TYPE
    fitted = [_fit_text(item) for item in value]
    rules = [rule for _, rule in fitted if rule is not None]
    return (None, rules[0]) if rules else ([text for text, _ in fitted], None)


def _fit_flag(value: Any) -> tuple[Any, str | None]:
    return (value, None) if isinstance(value, bool) else (None, WRONG_TYPE)


def _fit_number(value: Any) -> tuple[Any, str | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, WRONG_TYPE
    try:
        result = float(value)
    except OverflowError:
        return None, NON_FINITE
    return (result, None) if math.isfinite(result) else (None, NON_FINITE)


def _fit_integer(value: Any) -> tuple[Any, str | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, WRONG_TYPE
    if isinstance(value, float):
        if not math.isfinite(value):
            return None, NON_FINITE
        if not value.is_integer():
            return None, WRONG_TYPE
    return (int(value), None) if -_INT64 <= value < _INT64 else (None, WRONG_TYPE)


def _fit_moment(value: Any) -> tuple[Any, str | None]:
    if not isinstance(value, str):
        return None, WRONG_TYPE
    try:
        return parse_iso(value), None
    except (ValueError, OverflowError):
        return None, WRONG_TYPE


_FITTING: dict[pa.DataType, Callable[[Any], tuple[Any, str | None]]] = {
    pa.string(): _fit_text,
    TEXTS: _fit_texts,
    pa.bool_(): _fit_flag,
    pa.float64(): _fit_number,
    pa.int64(): _fit_integer,
    UTC_MICROSECONDS: _fit_moment,
    pa.date32(): _fit_day,
}
