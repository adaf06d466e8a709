-- Roles belong to the whole server: another database may have made them already. What they may do is set in each.
DO $$
DECLARE
    wanted record;
    changes text;
    membership record;
BEGIN
    FOR wanted IN
        SELECT name, name = 'admin' AS manages FROM unnest(ARRAY[
            'admin', 'data_engineer', 'qa_data', 'data_scientist', 'analyst', 'bi_user', 'pipeline'
        ]) AS name
    LOOP
        IF to_regrole(wanted.name) IS NULL THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted.name);
        END IF;
        SELECT concat_ws(' ',
            CASE WHEN r.rolcreaterole <> wanted.manages THEN CASE WHEN wanted.manages THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END END,
            CASE WHEN r.rolcreatedb <> wanted.manages THEN CASE WHEN wanted.manages THEN 'CREATEDB' ELSE 'NOCREATEDB' END END,
            CASE WHEN NOT r.rolinherit THEN 'INHERIT' END,
            CASE WHEN r.rolreplication THEN 'NOREPLICATION' END,
            CASE WHEN r.rolbypassrls THEN 'NOBYPASSRLS' END
        ) INTO changes FROM pg_roles AS r WHERE r.rolname = wanted.name AND NOT r.rolsuper;
        IF changes <> '' THEN
            EXECUTE format('ALTER ROLE %I %s', wanted.name, changes);
        END IF;
    END LOOP;

    -- None of them is a way into another.
    FOR membership IN
        SELECT m.roleid::regrole AS role, m.member::regrole AS member, m.grantor::regrole AS grantor
        FROM pg_auth_members AS m
        WHERE m.roleid::regrole::text IN (
            'admin', 'data_engineer', 'qa_data', 'data_scientist', 'analyst', 'bi_user', 'pipeline'
        )
        AND m.member::regrole::text IN ('data_engineer', 'qa_data', 'data_scientist', 'analyst', 'bi_user', 'pipeline')
    LOOP
        EXECUTE format('REVOKE %s FROM %s GRANTED BY %s', membership.role, membership.member, membership.grantor);
    END LOOP;

    -- Since PostgreSQL 16 whoever may make roles manages those alone that were given to him.
    FOR wanted IN
        SELECT name FROM unnest(ARRAY[
            'data_engineer', 'qa_data', 'data_scientist', 'analyst', 'bi_user', 'pipeline'
        ]) AS name
        WHERE NOT EXISTS (
            SELECT FROM pg_auth_members AS m
            WHERE m.roleid = to_regrole(name) AND m.member = to_regrole('admin') AND m.admin_option
        )
    LOOP
        EXECUTE format('GRANT %I TO admin WITH ADMIN OPTION', wanted.name);
    END LOOP;
END
$$;
