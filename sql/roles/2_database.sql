-- The current database, whatever its name; only its owner, or a superuser, can give all of this.
DO $$
DECLARE
    here text := quote_ident(current_database());
BEGIN
    IF current_user <> 'admin' THEN
        EXECUTE 'GRANT ALL ON DATABASE ' || here || ' TO admin WITH GRANT OPTION';
    END IF;
    EXECUTE 'REVOKE TEMPORARY ON DATABASE ' || here || ' FROM PUBLIC';
    EXECUTE 'REVOKE ALL ON DATABASE ' || here
        || ' FROM data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline CASCADE';
    EXECUTE 'GRANT CONNECT ON DATABASE ' || here
        || ' TO data_engineer, qa_data, data_scientist, analyst, bi_user, pipeline';
    EXECUTE 'GRANT TEMPORARY ON DATABASE ' || here || ' TO data_engineer, qa_data, data_scientist, analyst, pipeline';

    -- Whoever may not give a right is warned and no more.
    IF NOT has_database_privilege('admin', current_database(), 'CREATE')
        OR NOT has_database_privilege('pipeline', current_database(), 'TEMPORARY')
        OR has_database_privilege('bi_user', current_database(), 'TEMPORARY')
    THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('only the owner of database %s can say who may do what in it', here);
    END IF;

    IF has_schema_privilege('public', to_regnamespace('public'), 'CREATE') THEN
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    END IF;
END
$$;
