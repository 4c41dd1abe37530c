-- Everything that decides which rows a table may hold, as one JSON document: the tables
-- that hold rows themselves and those that are partitioned, and each type that one of their
-- columns leads to. The caller empties search_path first, so that every name is qualified.
-- Columns of catalogs that older servers lack are read through to_jsonb.
-- Catalogs: https://www.postgresql.org/docs/current/catalogs.html
WITH RECURSIVE member AS (
    SELECT d.classid, d.objid, e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
), relation AS (
    SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), attribute AS (
    SELECT a.* FROM pg_attribute a JOIN relation r ON r.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
), span AS (
    SELECT rngtypid AS oid, rngsubtype AS subtype FROM pg_range
    UNION ALL
    SELECT (to_jsonb(r) ->> 'rngmultitypid')::oid, rngsubtype FROM pg_range r WHERE to_jsonb(r) ? 'rngmultitypid'
), leads_to AS (
    SELECT oid AS type, typbasetype AS next FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT oid, typelem FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT oid, subtype FROM span
    UNION ALL SELECT t.oid, a.atttypid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
        WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
), used AS (
    SELECT DISTINCT atttypid AS oid FROM attribute
    UNION
    SELECT l.next FROM used u JOIN leads_to l ON l.type = u.oid
), type AS (
    SELECT json_build_object(
        'oid', t.oid::int8,
        'name', t.typname,
        'text', format_type(t.oid, NULL),
        'kind', t.typtype,
        'category', t.typcategory,
        'element', CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem::int8 END,
        'base', CASE WHEN t.typtype = 'd' THEN t.typbasetype::int8 END,
        'base_modifier', t.typtypmod,
        'not_null', t.typnotnull,
        'base_text', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
        'subtype', (SELECT subtype::int8 FROM span s WHERE s.oid = t.oid),
        'labels', COALESCE((SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '[]'),
        'fields', COALESCE((SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod) ORDER BY attnum)
                            FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
        'checks', COALESCE((SELECT json_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname)
                            FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '[]')) AS data
    FROM pg_type t JOIN used u ON u.oid = t.oid
), below AS (
    SELECT i.inhparent AS root, i.inhrelid AS oid
    FROM pg_inherits i JOIN relation r ON r.oid = i.inhparent WHERE r.relkind = 'p'
    UNION ALL
    SELECT b.root, i.inhrelid
    FROM below b JOIN pg_class c ON c.oid = b.oid AND c.relkind = 'p' JOIN pg_inherits i ON i.inhparent = b.oid
), leaf AS (
    SELECT b.root, json_build_object(
        'oid', c.oid::int8,
        'name', format('%I.%I', n.nspname, c.relname),
        'constraint', pg_get_partition_constraintdef(c.oid)) AS data
    FROM below b JOIN pg_class c ON c.oid = b.oid AND c.relkind <> 'p' JOIN pg_namespace n ON n.oid = c.relnamespace
), refers AS (
    -- the columns that an index, its predicate or its expressions name
    SELECT d.objid AS oid, d.refobjsubid AS number FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
), uniqueness AS (
    SELECT i.indrelid, json_build_object(
        'name', x.relname,
        'primary', i.indisprimary,
        'exclusion', i.indisexclusion,
        'columns', (SELECT COALESCE(json_agg(DISTINCT number), '[]') FROM (
            SELECT number FROM refers f WHERE f.oid = i.indexrelid
            UNION SELECT k FROM unnest(i.indkey::int2[]) k WHERE k > 0
            UNION SELECT k FROM pg_constraint c, unnest(c.conkey) k WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype = 'x') n),
        'predicate', pg_get_expr(i.indpred, i.indrelid),
        'expressions', pg_get_expr(i.indexprs, i.indrelid)) AS data
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indisunique OR i.indisexclusion
), conditions AS (
    SELECT k.conrelid, json_build_object(
        'name', k.conname,
        'kind', k.contype,
        'columns', COALESCE(to_json(k.conkey), '[]'),
        'refers_to', NULLIF(k.confrelid, 0)::int8,
        'referred', COALESCE(to_json(k.confkey), '[]'),
        'expression', pg_get_expr(k.conbin, k.conrelid)) AS data
    FROM pg_constraint k JOIN relation r ON r.oid = k.conrelid
    WHERE k.contype IN ('c', 'f')
      -- a key that references a partitioned table has a row per partition too
      AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)
)
SELECT json_build_object(
    'types', COALESCE((SELECT json_agg(data) FROM type), '[]'),
    'tables', COALESCE((SELECT json_agg(json_build_object(
        'oid', r.oid::int8,
        'schema', r.nspname,
        'name', r.relname,
        'text', format('%I.%I', r.nspname, r.relname),
        'kind', r.relkind,
        'is_partition', r.relispartition,
        'extension', (SELECT extname FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = r.oid),
        'row_security', r.relrowsecurity,
        'columns', COALESCE((SELECT json_agg(json_build_object(
                'number', a.attnum,
                'name', a.attname,
                'text', quote_ident(a.attname),
                'type', a.atttypid::int8,
                'modifier', a.atttypmod,
                'type_text', format_type(a.atttypid, a.atttypmod),
                'not_null', a.attnotnull,
                'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                'is_generated', a.attgenerated <> '',
                'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'default' END)
            ORDER BY a.attnum)
            FROM attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = r.oid), '[]'),
        'conditions', COALESCE((SELECT json_agg(data ORDER BY data ->> 'name') FROM conditions WHERE conrelid = r.oid), '[]'),
        'uniques', COALESCE((SELECT json_agg(data ORDER BY data ->> 'name') FROM uniqueness WHERE indrelid = r.oid), '[]'),
        'partition_key', (SELECT to_json(k.partattrs::int2[]) FROM pg_partitioned_table k WHERE k.partrelid = r.oid),
        'leaves', COALESCE((SELECT json_agg(data ORDER BY data ->> 'name') FROM leaf WHERE root = r.oid), '[]'),
        'triggers', COALESCE((SELECT json_agg(json_build_object('name', g.tgname, 'source', p.prosrc) ORDER BY g.tgname)
            FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = r.oid AND NOT g.tgisinternal), '[]'))
        ORDER BY r.nspname, r.relname)
        FROM relation r), '[]'))::text
