"""Cleaning: the rules a record must keep, and the Spark expressions that clean its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cryptoelt.extract.fields import BLANKS
from cryptoelt.identity import HEX_ADDRESS, MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

MISSING_KEY = "missing_key"
TOO_LONG = "too_long"
CONFLICTING_DUPLICATE = "conflicting_duplicate"


def cleaned_text(name: str) -> Column:
    """Trim a text; the empty text is NULL."""
    trimmed = F.btrim(F.col(name), F.lit(BLANKS))
    return F.nullif(trimmed, F.lit(""))


def cleaned_texts(name: str) -> Column:
    """Trim the texts of a list and leave out the empty ones."""
    trimmed = F.transform(F.col(name), lambda item: F.btrim(item, F.lit(BLANKS)))
    return F.filter(trimmed, lambda item: item != F.lit(""))


def folded_address(address: Column) -> Column:
    """Return an address in the one spelling it is stored in; see `identity.folded`."""
    return F.when(address.rlike(f"^{HEX_ADDRESS}$"), F.lower(address)).otherwise(address)


def exact(name: str, value: Column) -> Column:
    """Return a number as its record's own text has it, to 18 decimals; NULL where that does not fit.

    Args:
        name: the number's member of the record.
        value: the double nearest to it.
    """
    sent = F.from_json("raw", f"`{name}` DECIMAL(38,18)")[name]
    return F.when(sent.cast("double") == value, sent)


def finite(value: Column) -> Column:
    """Return a figure, or NULL where it does not fit a double."""
    return F.when(F.abs(value) < F.lit(float("inf")), value)


def ratio(numerator: Column, denominator: Column) -> Column:
    """Divide; NULL where it is undefined or does not fit a double."""
    return finite(F.try_divide(numerator.cast("double"), denominator.cast("double")))


def percent(value: Column) -> Column:
    """Turn percentage points into a rate: 3.05 % is 0.0305."""
    return value / F.lit(100.0)


def broken_rule(reads: frozenset[str], key: tuple[str, ...], indexed: Iterable[str]) -> Column:
    """Return the first rule that a record breaks for one table, or NULL.

    Args:
        reads: the Bronze columns the table is built from; what else is wrong with the record does not concern it.
        key: the table's cleaned key columns.
        indexed: the table's cleaned texts that stand in an index of the warehouse.
    """
    concerns = F.filter(F.col("unfit"), lambda item: F.substring_index(item, "=", 1).isin(sorted(reads)))
    unfit = F.substring_index(F.try_element_at(concerns, F.lit(1)), "=", -1)
    missing: Column = F.lit(False)  # noqa: FBT003 - a literal, not an option
    for name in key:
        missing = missing | F.col(name).isNull()
    too_long: Column = F.lit(False)  # noqa: FBT003
    for name in indexed:
        too_long = too_long | F.coalesce(F.octet_length(F.col(name)) > MOST_BYTES, F.lit(False))  # noqa: FBT003
    return F.coalesce(unfit, F.when(missing, F.lit(MISSING_KEY)), F.when(too_long, F.lit(TOO_LONG)))


def split_duplicates(rows: DataFrame, key: tuple[str, ...], values: tuple[str, ...]) -> DataFrame:
    """Set `rule` on all records of one key but the last: `conflicting_duplicate`, or '' where the values are the same.

    Args:
        rows: records with a `rule` column; those that break one already are left alone.
        key: the table's key columns.
        values: the columns whose values decide whether two records are the same.
    """
    from pyspark.sql import Window

    of_key = Window.partitionBy(F.col("rule").isNull(), *key).orderBy(F.col("record_number").desc())
    newest = F.first(F.struct(*values)).over(of_key)
    same = F.struct(*values).eqNullSafe(newest)
    marked = rows.withColumn("_place", F.row_number().over(of_key)).withColumn("_same", same)
    former = F.col("rule").isNull() & (F.col("_place") > 1)
    verdict = F.when(former, F.when(F.col("_same"), F.lit("")).otherwise(F.lit(CONFLICTING_DUPLICATE)))
    return marked.withColumn("rule", F.coalesce(F.col("rule"), verdict)).drop("_place", "_same")


def number_entries(rows: DataFrame, key: tuple[str, ...], amounts: tuple[str, ...]) -> DataFrame:
    """Tell records of one key apart by `entry`, from 1, the largest first; set `rule` to '' on one equal to another.

    Records of one key and one amount are one, and the first of them by its text stands. So nothing depends on the order
    of sending.

    Args:
        rows: records with a `rule` column; those that break one already are left alone.
        key: the table's key columns, the entry left out.
        amounts: the columns that hold the amount; of equal ones the next decides.
    """
    from pyspark.sql import Window

    of_key: list[Column | str] = [F.col("rule").isNull(), *key]
    by_amount = Window.partitionBy(*of_key).orderBy(*(F.col(name).desc_nulls_last() for name in amounts))
    by_text = Window.partitionBy(*of_key, *amounts).orderBy("raw")
    numbered = rows.withColumns({"entry": F.dense_rank().over(by_amount), "_place": F.row_number().over(by_text)})
    repeated = F.col("rule").isNull() & (F.col("_place") > 1)
    return numbered.withColumn("rule", F.when(repeated, F.lit("")).otherwise(F.col("rule"))).drop("_place")
