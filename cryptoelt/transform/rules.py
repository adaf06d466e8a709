"""Cleaning: the rules a record must keep, and the Spark expressions that clean its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cryptoelt.extract.fields import BLANKS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MISSING_KEY = "missing_key"
CONFLICTING_DUPLICATE = "conflicting_duplicate"


def cleaned_text(name: str) -> Column:
    """Trim a text; the empty text is NULL."""
    trimmed = F.btrim(F.col(name), F.lit(BLANKS))
    return F.nullif(trimmed, F.lit(""))


def cleaned_texts(name: str) -> Column:
    """Trim the texts of a list and leave out the empty ones."""
    trimmed = F.transform(F.col(name), lambda item: F.btrim(item, F.lit(BLANKS)))
    return F.filter(trimmed, lambda item: item != F.lit(""))


def finite(value: Column) -> Column:
    """Return a figure, or NULL where it does not fit a double."""
    return F.when(F.abs(value) < F.lit(float("inf")), value)


def ratio(numerator: Column, denominator: Column) -> Column:
    """Divide; NULL where it is undefined or does not fit a double."""
    return finite(F.try_divide(numerator.cast("double"), denominator.cast("double")))


def percent(value: Column) -> Column:
    """Turn percentage points into a rate: 3.05 % is 0.0305."""
    return value / F.lit(100.0)


def broken_rule(reads: frozenset[str], key: tuple[str, ...]) -> Column:
    """Return the first rule that a record breaks for one table, or NULL.

    Args:
        reads: the Bronze columns the table is built from; what else is wrong with the record does not concern it.
        key: the table's cleaned key columns.
    """
    concerns = F.filter(F.col("unfit"), lambda item: F.substring_index(item, "=", 1).isin(sorted(reads)))
    unfit = F.substring_index(F.try_element_at(concerns, F.lit(1)), "=", -1)
    missing: Column = F.lit(False)  # noqa: FBT003 - a literal, not an option
    for name in key:
        missing = missing | F.col(name).isNull()
    return F.coalesce(unfit, F.when(missing, F.lit(MISSING_KEY)))


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
