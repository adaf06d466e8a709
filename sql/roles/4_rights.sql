-- First nothing, then what each may: a right that somebody took away is back, one that somebody gave is gone.
REVOKE ALL ON SCHEMA dwh, ops, analytics, monitoring, sandbox, sandbox_ds, sandbox_qa
    FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline CASCADE;
REVOKE ALL ON ALL TABLES IN SCHEMA dwh, ops, analytics, monitoring
    FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline CASCADE;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA dwh, ops
    FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline CASCADE;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA dwh
    FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline CASCADE;

GRANT USAGE ON SCHEMA dwh, ops, analytics, monitoring TO data_engineer, qa_data, pipeline;
GRANT USAGE ON SCHEMA dwh, analytics TO data_scientist;
GRANT USAGE ON SCHEMA analytics, monitoring TO analyst, bi_user;
GRANT USAGE, CREATE ON SCHEMA sandbox TO analyst;
GRANT USAGE, CREATE ON SCHEMA sandbox_ds TO data_scientist;
GRANT USAGE, CREATE ON SCHEMA sandbox_qa TO qa_data;

GRANT SELECT ON ALL TABLES IN SCHEMA dwh, ops TO data_engineer, qa_data, pipeline;
GRANT SELECT ON ALL TABLES IN SCHEMA dwh TO data_scientist;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics
    TO data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline;
GRANT SELECT ON ALL TABLES IN SCHEMA monitoring TO data_engineer, qa_data, analyst, bi_user, pipeline;

GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dwh, ops TO data_engineer;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dwh TO pipeline;
-- What was loaded when stays on record.
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA ops TO pipeline;
GRANT DELETE ON ops.quarantine, ops.incomplete_snapshot TO pipeline;
-- Which revision and which scripts are in place is for migrations to say.
REVOKE INSERT, UPDATE, DELETE ON ops.alembic_version, ops.script FROM data_engineer, pipeline;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA dwh, ops TO data_engineer, pipeline;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA dwh TO data_engineer, pipeline;
