"""The roles of a warehouse, what each may do, and how a login of one finds it."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import Any
from urllib.parse import quote

from psycopg2 import errors as pg
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.roles import ROLES

#: Made for this run, and with what SQL, shells and URLs spell otherwise.
PASSWORDS = {role: SecretStr(f"p'\"$%:@/ä {role} {secrets.token_hex(8)}") for role in ROLES}
VIEWS = """
    CREATE VIEW analytics.vw_caps AS SELECT snapshot_timestamp, total_market_cap FROM dwh.fact_global_market;
    CREATE VIEW monitoring.vw_missing_caps AS SELECT * FROM analytics.vw_caps WHERE total_market_cap IS NULL;
"""
#: What is tried as every role, each in a transaction that is rolled back.
DEEDS = {
    "read dwh": "SELECT count(*) FROM dwh.fact_crypto_market",
    "read ops": "SELECT count(*) FROM ops.load_batch",
    "read analytics": "SELECT count(*) FROM analytics.vw_caps",
    "read monitoring": "SELECT count(*) FROM monitoring.vw_missing_caps",
    "write dwh": "INSERT INTO dwh.dim_exchange_id (exchange_id, snapshot_timestamp, load_batch_id) SELECT 1, now(), 0",
    "change dwh": "UPDATE dwh.dim_exchange_map SET is_imputed = is_imputed",
    "delete from dwh": "DELETE FROM dwh.fact_exchange_assets",
    "write ops": "UPDATE ops.load_batch SET superseded_at = now()",
    "delete from quarantine": "DELETE FROM ops.quarantine",
    "delete load batches": "DELETE FROM ops.load_batch",
    "change the revision": "UPDATE ops.alembic_version SET version_num = version_num",
    "number a batch": "SELECT nextval(pg_get_serial_sequence('ops.load_batch', 'load_batch_id'))",
    "call a procedure": "CALL dwh.fill_nulls_exchange_map_info()",
    "make a temporary table": "CREATE TEMP TABLE mine (n int)",
    "make a table in sandbox": "CREATE TABLE sandbox.mine (n int)",
    "make a table in sandbox_ds": "CREATE TABLE sandbox_ds.mine (n int)",
    "make a table in sandbox_qa": "CREATE TABLE sandbox_qa.mine (n int)",
    "make a table in public": "CREATE TABLE public.mine (n int)",
    "make a table in dwh": "CREATE TABLE dwh.mine (n int)",
    "make a view in analytics": "CREATE VIEW analytics.mine AS SELECT 1 AS n",
    "change a table": "ALTER TABLE dwh.fact_global_market ADD COLUMN mine int",
    "drop a table": "DROP TABLE dwh.fact_market_sentiment CASCADE",
    "empty a table": "TRUNCATE dwh.fact_market_sentiment",
    "make a schema": "CREATE SCHEMA mine",
    "make a role": "CREATE ROLE somebody",
    "give a role away": "GRANT analyst TO bi_user",
    "become admin": "SET ROLE admin",
    "become the pipeline": "SET ROLE pipeline",
}
_READS = {"read dwh", "read ops", "read analytics", "read monitoring"}
_WRITES = {"write dwh", "change dwh", "delete from dwh", "write ops", "delete from quarantine", "number a batch"}
MAY = {
    "admin": set(DEEDS) - {"make a table in public"},
    "data_engineer": {
        *_READS, *_WRITES, "delete load batches", "call a procedure", "make a temporary table",
    },
    "qa_data": {*_READS, "make a temporary table", "make a table in sandbox_qa"},
    "data_scientist": {"read dwh", "read analytics", "make a temporary table", "make a table in sandbox_ds"},
    "analyst": {"read analytics", "read monitoring", "make a temporary table", "make a table in sandbox"},
    "bi_user": {"read analytics", "read monitoring"},
    "pipeline": {*_READS, *_WRITES, "call a procedure", "make a temporary table", "become the pipeline"},
}  # fmt: skip


def execute(warehouse: Warehouse, statement: str) -> None:
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def rows(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def url_as(warehouse: Warehouse, role: str, password: SecretStr | None = None) -> SecretStr:
    secret = (password or PASSWORDS[role]).get_secret_value()
    host, port, name = (warehouse.parameters[key] for key in ("host", "port", "dbname"))
    return SecretStr(f"postgresql://{role}:{quote(secret, safe='')}@{host}:{port}/{quote(name)}")


def seen_by(warehouse: Warehouse, role: str, password: SecretStr | None = None) -> Warehouse:
    return Warehouse(url_as(warehouse, role, password), Clock())


def may(warehouse: Warehouse, statement: str) -> bool:
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except pg.InsufficientPrivilege:
            return False
    return True
