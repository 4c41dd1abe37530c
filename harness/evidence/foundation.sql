-- What models lean on and cannot say themselves, one statement a row, as it lies in this
-- database: kind, schema, name, the statement that makes it, and for a sequence the one
-- that gives it back to its column. Members of extensions come with these; the sequence of
-- an identity comes with its column. The caller empties search_path first.
-- Catalogs: https://www.postgresql.org/docs/current/catalogs.html
WITH space AS (
    SELECT n.oid, n.nspname FROM pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), typ AS (
    SELECT t.*, s.nspname FROM pg_type t JOIN space s ON s.oid = t.typnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
)
SELECT kind, schema::text, name::text, statement, owner FROM (
    SELECT 'schema' AS kind, NULL AS schema, nspname AS name,
        format('CREATE SCHEMA IF NOT EXISTS %I', nspname) AS statement, NULL AS owner
    FROM space
UNION ALL
    SELECT 'extension', NULL, e.extname,
        format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I CASCADE', e.extname, n.nspname), NULL
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
UNION ALL
    SELECT 'type', t.nspname, t.typname, format('CREATE TYPE %I.%I AS ENUM (%s)', t.nspname, t.typname,
        (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)), NULL
    FROM typ t WHERE t.typtype = 'e'
UNION ALL
    SELECT 'type', t.nspname, t.typname, concat_ws(' ', format('CREATE DOMAIN %I.%I AS', t.nspname, t.typname),
        format_type(t.typbasetype, t.typtypmod),
        CASE WHEN t.typcollation <> b.typcollation THEN 'COLLATE ' || t.typcollation::regcollation::text END,
        'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
        (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
         FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype <> 'n')), NULL
    FROM typ t JOIN pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd'
UNION ALL
    SELECT 'type', t.nspname, t.typname, format('CREATE TYPE %I.%I AS (%s)', t.nspname, t.typname,
        (SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attcollation <> b.typcollation AND a.attcollation <> 0 THEN 'COLLATE ' || a.attcollation::regcollation::text END),
            ', ' ORDER BY a.attnum)
         FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)), NULL
    FROM typ t JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype = 'c' AND c.relkind = 'c'
UNION ALL
    SELECT 'type', t.nspname, t.typname, format('CREATE TYPE %I.%I AS RANGE (%s)', t.nspname, t.typname,
        concat_ws(', ', 'SUBTYPE = ' || format_type(g.rngsubtype, NULL),
            'COLLATION = ' || nullif(g.rngcollation, 0)::regcollation::text,
            'SUBTYPE_DIFF = ' || nullif(g.rngsubdiff::oid, 0)::regproc::text)), NULL
    FROM typ t JOIN pg_range g ON g.rngtypid = t.oid WHERE t.typtype = 'r'
UNION ALL
    SELECT 'sequence', s.nspname, c.relname,
        concat_ws(' ', format('CREATE SEQUENCE %I.%I AS', s.nspname, c.relname), format_type(q.seqtypid, NULL),
            'INCREMENT', q.seqincrement, 'MINVALUE', q.seqmin, 'MAXVALUE', q.seqmax, 'START', q.seqstart,
            'CACHE', q.seqcache, CASE WHEN q.seqcycle THEN 'CYCLE' END),
        (SELECT format('ALTER SEQUENCE %I.%I OWNED BY %s.%I', s.nspname, c.relname, d.refobjid::regclass, a.attname)
         FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
           AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a')
    FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN space s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i'))
UNION ALL
    SELECT 'function', s.nspname, p.proname, pg_get_functiondef(p.oid), NULL
    FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p', 'w')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
UNION ALL
    -- the locale's column has had three names (up to 14, 15 and 16, from 17 on)
    SELECT 'collation', s.nspname, l.collname, format('CREATE COLLATION %I.%I (%s)', s.nspname, l.collname,
        concat_ws(', ', 'PROVIDER = ' || CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
            CASE l.collprovider
                WHEN 'c' THEN format('LC_COLLATE = %L, LC_CTYPE = %L', l.collcollate, l.collctype)
                ELSE format('LOCALE = %L', coalesce(to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale', l.collcollate)) END,
            'RULES = ' || quote_literal(to_jsonb(l) ->> 'collicurules'),
            CASE WHEN NOT l.collisdeterministic THEN 'DETERMINISTIC = false' END)), NULL
    FROM pg_collation l JOIN space s ON s.oid = l.collnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_collation'::regclass AND d.objid = l.oid AND d.deptype = 'e')
UNION ALL
    SELECT 'text search', s.nspname, t.dictname, format('CREATE TEXT SEARCH DICTIONARY %I.%I (%s)', s.nspname, t.dictname,
        concat_ws(', ', (SELECT format('TEMPLATE = %I.%I', n.nspname, x.tmplname)
            FROM pg_ts_template x JOIN pg_namespace n ON n.oid = x.tmplnamespace WHERE x.oid = t.dicttemplate), t.dictinitoption)), NULL
    FROM pg_ts_dict t JOIN space s ON s.oid = t.dictnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_ts_dict'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL
    SELECT 'text search', s.nspname, c.cfgname, format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)',
        s.nspname, c.cfgname, n.nspname, p.prsname), NULL
    FROM pg_ts_config c JOIN space s ON s.oid = c.cfgnamespace
    JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace n ON n.oid = p.prsnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_ts_config'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL
    SELECT 'text search', s.nspname, c.cfgname, format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s',
        s.nspname, c.cfgname, k.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)), NULL
    FROM pg_ts_config c JOIN space s ON s.oid = c.cfgnamespace JOIN pg_ts_config_map m ON m.mapcfg = c.oid,
    LATERAL (SELECT t.alias FROM ts_token_type(c.cfgparser) t WHERE t.tokid = m.maptokentype) k
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_ts_config'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    GROUP BY s.nspname, c.cfgname, k.alias
) foundation
ORDER BY array_position(ARRAY['schema', 'extension', 'collation', 'text search', 'sequence', 'type', 'function'], kind), schema, name, statement
