-- What a later `db upgrade` makes, it makes as admin, and it may be used at once.
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh, ops, analytics, monitoring
    REVOKE ALL ON TABLES FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh, ops
    REVOKE ALL ON SEQUENCES FROM PUBLIC, data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline;

ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh, ops GRANT SELECT ON TABLES TO qa_data;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh GRANT SELECT ON TABLES TO data_scientist;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh, ops
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO data_engineer;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA ops GRANT SELECT, INSERT, UPDATE ON TABLES TO pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh, ops
    GRANT USAGE, SELECT ON SEQUENCES TO data_engineer, pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh GRANT EXECUTE ON ROUTINES TO data_engineer, pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA analytics
    GRANT SELECT ON TABLES TO data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline;
ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA monitoring
    GRANT SELECT ON TABLES TO data_engineer, qa_data, analyst, bi_user, pipeline;

-- In this database alone: the server may have a second warehouse, of another layout. What one makes comes to the front.
DO $$
DECLARE
    here text := quote_ident(current_database());
BEGIN
    EXECUTE 'ALTER ROLE data_engineer IN DATABASE ' || here || ' SET search_path TO dwh, ops, analytics, monitoring';
    EXECUTE 'ALTER ROLE qa_data IN DATABASE ' || here
        || ' SET search_path TO sandbox_qa, dwh, ops, analytics, monitoring';
    EXECUTE 'ALTER ROLE data_scientist IN DATABASE ' || here || ' SET search_path TO sandbox_ds, dwh, analytics';
    EXECUTE 'ALTER ROLE analyst IN DATABASE ' || here || ' SET search_path TO sandbox, analytics, monitoring';
    EXECUTE 'ALTER ROLE bi_user IN DATABASE ' || here || ' SET search_path TO analytics, monitoring';
END
$$;
