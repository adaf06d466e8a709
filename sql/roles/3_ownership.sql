-- Everything belongs to admin, who changes the schema; whoever runs this becomes admin for it, as `db upgrade` does.
DO $$
DECLARE
    object text;
BEGIN
    IF current_user <> 'admin' AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT admin TO CURRENT_USER;
    END IF;
    FOREACH object IN ARRAY ARRAY['dwh', 'ops', 'analytics', 'monitoring', 'sandbox', 'sandbox_ds', 'sandbox_qa'] LOOP
        IF to_regnamespace(object) IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION admin', object);
        END IF;
    END LOOP;
    FOR object IN
        SELECT format('SCHEMA %I', n.nspname) FROM pg_namespace AS n
        WHERE n.nspname IN ('dwh', 'ops', 'analytics', 'monitoring', 'sandbox', 'sandbox_ds', 'sandbox_qa')
        AND n.nspowner <> to_regrole('admin')
    LOOP
        EXECUTE 'ALTER ' || object || ' OWNER TO admin';
    END LOOP;
    FOR object IN
        SELECT format('%s %I.%I', kinds.word, n.nspname, c.relname)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN (VALUES ('r', 'TABLE'), ('p', 'TABLE'), ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('S', 'SEQUENCE'))
            AS kinds (kind, word) ON kinds.kind = c.relkind::text
        WHERE n.nspname IN ('dwh', 'ops', 'analytics', 'monitoring') AND c.relowner <> to_regrole('admin')
        -- The sequence of a column follows its table.
        AND NOT EXISTS (
            SELECT FROM pg_depend AS d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i')
        )
        UNION ALL
        SELECT format('ROUTINE %s', p.oid::regprocedure)
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('dwh', 'ops', 'analytics', 'monitoring') AND p.proowner <> to_regrole('admin')
    LOOP
        EXECUTE 'ALTER ' || object || ' OWNER TO admin';
    END LOOP;
END
$$;
