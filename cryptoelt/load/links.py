"""Observations of who belongs to a category, and lists of categories, into the intervals of link_crypto_category.

A membership begins with the first snapshot that shows the coin. It ends with the first complete answer of the category
that does not, or with the first complete list of categories that lacks the category. Within one snapshot what was seen
counts more than what was not. An answer is complete when its pages follow one another from the first to one marked as
the last; neither an answer nor a list is complete when a record of its snapshot was quarantined, nor is a list that was
cut short (`ops.incomplete_snapshot`).

What held just before a moment is all that the past says about what follows. So a load replays the affected categories
from its oldest snapshot on: as a rule that is the snapshot it loads and nothing else. Where later answers are loaded
already they are read from Silver again, for the warehouse does not know which of them confirmed a membership.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from psycopg2 import sql

from cryptoelt.load.stage import rows_with, stage_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.schema import Target

LINK = "link_crypto_category"
LISTS = "fact_crypto_category"
_ELSEWHERE = sql.Identifier("pg_temp", "elsewhere")

_ASKED = """
CREATE TEMP TABLE affected ON COMMIT DROP AS SELECT DISTINCT category_id FROM pg_temp.stage
"""
_ASKED_BEFORE = """
INSERT INTO pg_temp.affected SELECT DISTINCT category_id FROM dwh.link_crypto_category
WHERE valid_from = ANY(%(replaced)s::timestamptz[]) OR valid_to = ANY(%(replaced)s::timestamptz[])
EXCEPT SELECT category_id FROM pg_temp.affected
"""
# Two look-ups in an index instead of one with OR, which would read all that ever belonged to the category.
_GONE_OR_BACK = """
CREATE TEMP TABLE affected ON COMMIT DROP AS
SELECT DISTINCT d.category_id
FROM dwh.dim_crypto_category AS d CROSS JOIN unnest(%(snapshots)s::timestamptz[]) AS moment
WHERE NOT EXISTS (
    SELECT FROM dwh.fact_crypto_category AS f WHERE f.category_id = d.category_id AND f.snapshot_timestamp = moment
) AND (EXISTS (
    SELECT FROM dwh.link_crypto_category AS l
    WHERE l.category_id = d.category_id AND l.valid_to IS NULL AND l.valid_from < moment
) OR EXISTS (
    SELECT FROM dwh.link_crypto_category AS l
    WHERE l.category_id = d.category_id AND l.valid_to > moment AND l.valid_from < moment
)) OR moment = ANY(%(replaced)s::timestamptz[]) AND EXISTS (
    SELECT FROM dwh.link_crypto_category AS l WHERE l.category_id = d.category_id AND l.valid_to = moment
)
"""
_SEEN = """
CREATE TEMP TABLE seen ON COMMIT DROP AS
SELECT category_id, crypto_id, snapshot_timestamp, page_start, is_last_page FROM ({sources}) AS q
"""
_TOUCHED = """
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT l.* FROM pg_temp.affected JOIN dwh.link_crypto_category AS l USING (category_id) WHERE l.valid_to IS NULL
UNION ALL
SELECT l.* FROM pg_temp.affected JOIN dwh.link_crypto_category AS l USING (category_id) WHERE l.valid_to >= %(start)s
"""
_ANSWERS = """
CREATE TEMP TABLE answers ON COMMIT DROP AS
WITH pages AS (
    SELECT category_id, snapshot_timestamp, page_start, bool_or(crypto_id IS NULL) AS is_there,
        coalesce(bool_or(is_last_page), false) AS is_last, count(DISTINCT crypto_id) AS members
    FROM pg_temp.seen GROUP BY category_id, snapshot_timestamp, page_start
), in_order AS (
    SELECT *, lead(page_start) OVER (PARTITION BY category_id, snapshot_timestamp ORDER BY page_start) AS next_start
    FROM pages
), whole AS (
    SELECT category_id, snapshot_timestamp, min(page_start) = 1 AND bool_and(is_there AND
        CASE WHEN next_start IS NULL THEN is_last ELSE next_start = page_start + members END) AS is_whole
    FROM in_order GROUP BY category_id, snapshot_timestamp
)
SELECT category_id, snapshot_timestamp, is_whole AND NOT EXISTS (
    SELECT FROM ops.quarantine AS q WHERE q.table_name = 'link_crypto_category'
    AND q.snapshot_timestamp = whole.snapshot_timestamp AND q.replayed_at IS NULL) AS is_complete
FROM whole
"""
# A list without a single category says nothing.
_GONE = """
CREATE TEMP TABLE gone ON COMMIT DROP AS
WITH lists AS (
    SELECT DISTINCT snapshot_timestamp FROM dwh.fact_crypto_category WHERE snapshot_timestamp >= %(start)s
)
SELECT a.category_id, l.snapshot_timestamp FROM pg_temp.affected AS a CROSS JOIN lists AS l
WHERE NOT EXISTS (
    SELECT FROM dwh.fact_crypto_category AS f
    WHERE f.category_id = a.category_id AND f.snapshot_timestamp = l.snapshot_timestamp
    AND f.snapshot_timestamp >= %(start)s
) AND NOT EXISTS (
    SELECT FROM ops.quarantine AS q WHERE q.table_name = 'fact_crypto_category'
    AND q.snapshot_timestamp = l.snapshot_timestamp AND q.replayed_at IS NULL
) AND NOT EXISTS (
    SELECT FROM ops.incomplete_snapshot AS i WHERE i.table_name = 'fact_crypto_category'
    AND i.snapshot_timestamp = l.snapshot_timestamp AND i.completed_at IS NULL
)
"""
# Of a category that stays away only the first list without it matters, until it is seen again.
_CLOSINGS = """
CREATE TEMP TABLE closings ON COMMIT DROP AS
WITH timeline AS (
    SELECT category_id, snapshot_timestamp, is_complete AS closes, false AS is_gone FROM pg_temp.answers
    UNION ALL SELECT category_id, snapshot_timestamp, true, true FROM pg_temp.gone
    UNION ALL SELECT category_id, valid_from, false, false FROM pg_temp.touched WHERE valid_from >= %(start)s
)
SELECT DISTINCT category_id, snapshot_timestamp FROM (
    SELECT *, lag(is_gone) OVER (PARTITION BY category_id ORDER BY snapshot_timestamp, is_gone DESC) AS was_gone
    FROM timeline
) AS q WHERE closes AND NOT (is_gone AND coalesce(was_gone, false))
"""
# What is known only from an interval is believed: an older lake, or none, told it.
_EVENTS = """
CREATE TEMP TABLE events ON COMMIT DROP AS
WITH pairs AS (
    SELECT category_id, crypto_id FROM pg_temp.touched
    UNION SELECT category_id, crypto_id FROM pg_temp.seen WHERE crypto_id IS NOT NULL
), told AS (
    SELECT category_id, crypto_id, valid_from AS moment, true AS belongs FROM pg_temp.touched
    UNION ALL SELECT category_id, crypto_id, valid_to, false FROM pg_temp.touched WHERE valid_to IS NOT NULL
)
SELECT category_id, crypto_id, moment, bool_or(belongs) AS belongs FROM (
    SELECT * FROM told WHERE moment < %(start)s OR moment <> ALL(%(snapshots)s::timestamptz[]) AND NOT EXISTS (
        SELECT FROM pg_temp.answers AS a
        WHERE a.category_id = told.category_id AND a.snapshot_timestamp = told.moment)
    UNION ALL
    SELECT category_id, crypto_id, snapshot_timestamp, true FROM pg_temp.seen WHERE crypto_id IS NOT NULL
    UNION ALL
    SELECT p.category_id, p.crypto_id, c.snapshot_timestamp, false
    FROM pairs AS p JOIN pg_temp.closings AS c USING (category_id)
) AS q GROUP BY category_id, crypto_id, moment
"""
_INTERVALS = """
CREATE TEMP TABLE intervals ON COMMIT DROP AS
SELECT category_id, crypto_id, moment AS valid_from, valid_to FROM (
    SELECT *, lead(moment) OVER (PARTITION BY category_id, crypto_id ORDER BY moment) AS valid_to FROM (
        SELECT *, coalesce(lag(belongs) OVER (PARTITION BY category_id, crypto_id ORDER BY moment), false) AS belonged
        FROM pg_temp.events
    ) AS q WHERE belongs <> belonged
) AS changes WHERE belongs
"""
_ENDED = """
CREATE TEMP TABLE ended ON COMMIT DROP AS
SELECT crypto_id, category_id, valid_from FROM pg_temp.touched
EXCEPT SELECT crypto_id, category_id, valid_from FROM pg_temp.intervals
"""
_DELETE = """
DELETE FROM dwh.link_crypto_category AS l USING pg_temp.ended AS e
WHERE l.crypto_id = e.crypto_id AND l.category_id = e.category_id AND l.valid_from = e.valid_from
"""
# A change that was known keeps the batch that brought it.
_CHANGED = """
CREATE TEMP TABLE changed ON COMMIT DROP AS
SELECT i.crypto_id, i.category_id, i.valid_from, i.valid_to, coalesce(t.load_batch_id, %(batch)s) AS load_batch_id
FROM pg_temp.intervals AS i LEFT JOIN pg_temp.touched AS t ON t.crypto_id = i.crypto_id
    AND t.category_id = i.category_id AND t.snapshot_timestamp = coalesce(i.valid_to, i.valid_from)
    AND t.snapshot_timestamp <> ALL(%(replaced)s::timestamptz[])
WHERE t.valid_from IS DISTINCT FROM i.valid_from OR t.valid_to IS DISTINCT FROM i.valid_to
"""
_STORE = """
INSERT INTO dwh.link_crypto_category AS l
    (crypto_id, category_id, valid_from, valid_to, snapshot_timestamp, load_batch_id)
SELECT crypto_id, category_id, valid_from, valid_to, coalesce(valid_to, valid_from), load_batch_id FROM pg_temp.changed
ON CONFLICT (crypto_id, category_id, valid_from) DO UPDATE
SET (valid_to, snapshot_timestamp, load_batch_id)
    = ROW(excluded.valid_to, excluded.snapshot_timestamp, excluded.load_batch_id)
"""
_OPENED = """
SELECT count(*) FROM pg_temp.changed AS c WHERE (crypto_id, category_id, valid_from) IN (
    SELECT crypto_id, category_id, snapshot_timestamp FROM pg_temp.stage
) AND NOT EXISTS (
    SELECT FROM pg_temp.touched AS t WHERE t.crypto_id = c.crypto_id AND t.category_id = c.category_id
    AND t.valid_from = c.valid_from AND t.valid_from <> ALL(%(replaced)s::timestamptz[])
)
"""
_CLOSED = """
SELECT count(DISTINCT (category_id, valid_to)) FROM pg_temp.changed AS c WHERE (category_id, valid_to) IN (
    SELECT category_id, snapshot_timestamp FROM pg_temp.stage WHERE crypto_id IS NULL
) AND NOT EXISTS (
    SELECT FROM pg_temp.touched AS t WHERE t.crypto_id = c.crypto_id AND t.category_id = c.category_id
    AND t.valid_to = c.valid_to AND t.valid_to <> ALL(%(replaced)s::timestamptz[])
)
"""


class LinkMerge:
    """One merge of the stage into the intervals: of observations, or of lists of categories."""

    def __init__(
        self, cursor: Cursor, load_batch_id: int, snapshots: Collection[datetime], replaced: Collection[datetime] = ()
    ) -> None:
        self._cursor = cursor
        self._values: dict[str, Any] = {
            "batch": load_batch_id,
            "snapshots": list(snapshots),
            "replaced": list(replaced),
            "start": min(snapshots),
        }

    def observed(self, target: Target, later: Iterable[pa.RecordBatch]) -> int:
        """Merge the staged observations.

        Args:
            target: the link, as the load sees it.
            later: Silver's observations of the other loaded snapshots from the oldest staged one on.

        Returns:
            How many staged rows changed something: observations that began a membership, and answers that ended some.
        """
        self._execute(_ASKED)
        if self._values["replaced"]:
            self._execute(_ASKED_BEFORE)
        self._replay(target, later, "TABLE pg_temp.stage UNION ALL TABLE pg_temp.elsewhere")
        return self._number(_OPENED) + self._number(_CLOSED)

    def concerned(self) -> bool:
        """Tell whether a list of categories that was just loaded lacks one that has members, or has one back."""
        self._execute(_GONE_OR_BACK)
        return self._number("SELECT count(*) FROM pg_temp.affected") > 0

    def listed(self, target: Target, later: Iterable[pa.RecordBatch]) -> None:
        """Merge the lists of categories, where they concern somebody; arguments as of `observed`."""
        self._replay(target, later, "TABLE pg_temp.elsewhere")

    def _replay(self, target: Target, later: Iterable[pa.RecordBatch], sources: str) -> None:
        self._execute("ANALYZE pg_temp.affected")
        self._execute("SELECT category_id FROM pg_temp.affected")
        affected = pa.array([row[0] for row in self._cursor.fetchall()], pa.string())
        stage_rows(self._cursor, target, rows_with(later, "category_id", affected), _ELSEWHERE)
        self._execute(_SEEN.format(sources=sources))
        for statement in (_TOUCHED, _ANSWERS, _GONE, _CLOSINGS, _EVENTS, _INTERVALS, _ENDED, _CHANGED):
            self._execute(statement)
        # Told how little changes as a rule, the planner does not read all links to find it.
        self._execute("ANALYZE pg_temp.ended, pg_temp.changed")
        self._execute(_DELETE)
        self._execute(_STORE)

    def _number(self, statement: str) -> int:
        self._execute(statement)
        row = self._cursor.fetchone()
        return int(row[0]) if row else 0

    def _execute(self, statement: str) -> None:
        self._cursor.execute(statement, self._values)
