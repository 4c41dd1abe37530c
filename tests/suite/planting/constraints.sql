-- A table for each kind of constraint, and what stands in the way of rows.
CREATE EXTENSION btree_gist;
CREATE TABLE accounts (id serial PRIMARY KEY, name text NOT NULL UNIQUE, plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'paid')));
-- composite keys that share a column
CREATE TABLE projects (account_id integer NOT NULL REFERENCES accounts, id bigint NOT NULL, title varchar(20) NOT NULL, PRIMARY KEY (account_id, id), UNIQUE (account_id, title));
CREATE TABLE milestones (account_id integer NOT NULL, id bigint NOT NULL, project_id bigint NOT NULL, PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, project_id) REFERENCES projects);
CREATE TABLE tasks (account_id integer NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project_id bigint NOT NULL, milestone_id bigint,
    FOREIGN KEY (account_id, project_id) REFERENCES projects, FOREIGN KEY (account_id, milestone_id) REFERENCES milestones);
-- its own rows
CREATE TABLE folders (id serial PRIMARY KEY, parent_id integer REFERENCES folders);
CREATE TABLE roots (id integer PRIMARY KEY, root_id integer NOT NULL REFERENCES roots);
CREATE TABLE replies (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reply_to integer REFERENCES replies);
-- circles
CREATE TABLE teams (id serial PRIMARY KEY, lead_id integer);
CREATE TABLE members (id serial PRIMARY KEY, team_id integer NOT NULL REFERENCES teams);
ALTER TABLE teams ADD FOREIGN KEY (lead_id) REFERENCES members;
CREATE TABLE hens (id serial PRIMARY KEY, egg_id integer NOT NULL);
CREATE TABLE eggs (id serial PRIMARY KEY, hen_id integer NOT NULL REFERENCES hens DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE hens ADD FOREIGN KEY (egg_id) REFERENCES eggs DEFERRABLE;
CREATE TABLE keys (id uuid PRIMARY KEY, lock_id uuid NOT NULL);
CREATE TABLE locks (id uuid PRIMARY KEY, key_id uuid NOT NULL REFERENCES keys, size integer NOT NULL CHECK (size < 10));
ALTER TABLE keys ADD FOREIGN KEY (lock_id) REFERENCES locks;
-- unique
CREATE TABLE slugs (id serial PRIMARY KEY, slug text NOT NULL, is_deleted boolean NOT NULL DEFAULT false, level smallint, UNIQUE (level));
CREATE UNIQUE INDEX one_living ON slugs (lower(slug)) WHERE NOT is_deleted;
CREATE TABLE single (id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1), version integer NOT NULL);
CREATE TABLE flags (name text PRIMARY KEY, is_current boolean NOT NULL);
CREATE UNIQUE INDEX one_current ON flags (is_current) WHERE is_current;
CREATE TABLE pairs (left_id integer REFERENCES accounts, right_id integer REFERENCES accounts, PRIMARY KEY (left_id, right_id), CHECK (left_id <> right_id));
CREATE TABLE one_to_one (account_id integer PRIMARY KEY REFERENCES accounts ON DELETE CASCADE, note text);
CREATE TABLE enumerated (kind text PRIMARY KEY CHECK (kind IN ('a', 'b', 'c')));
CREATE TABLE by_kind (id serial PRIMARY KEY, kind text NOT NULL REFERENCES enumerated);
-- exclusion
CREATE TABLE bookings (id serial PRIMARY KEY, room integer NOT NULL, during tstzrange NOT NULL, EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE TABLE bookings_by_ends (id serial PRIMARY KEY, room integer NOT NULL DEFAULT 1, starts timestamptz NOT NULL, ends timestamptz NOT NULL,
    EXCLUDE USING gist (room WITH =, tstzrange(starts, ends) WITH &&));
-- checks over several columns
CREATE TABLE periods (id serial PRIMARY KEY, ends date NOT NULL, starts date NOT NULL, CHECK (starts < ends));
CREATE TABLE owned (id serial PRIMARY KEY, account_id integer REFERENCES accounts, folder_id integer REFERENCES folders, team_id integer REFERENCES teams,
    CHECK (num_nonnulls(account_id, folder_id, team_id) = 1));
CREATE TABLE payments (id serial PRIMARY KEY, kind varchar(10) NOT NULL, card text, iban text, amount numeric(6, 2) NOT NULL CHECK (amount > 0 AND amount <= 100),
    CHECK (kind IN ('card', 'iban')), CHECK ((kind = 'card' AND card IS NOT NULL AND iban IS NULL) OR (kind = 'iban' AND iban IS NOT NULL AND card IS NULL)));
CREATE TABLE formats (id serial PRIMARY KEY, code text NOT NULL CHECK (code ~ '^[A-Z]{2}[0-9]{4}$'), hash text NOT NULL CHECK (length(hash) = 64),
    path text NOT NULL CHECK (path LIKE '/%'), lower_name text NOT NULL CHECK (lower_name = lower(lower_name)), trimmed text NOT NULL CHECK (char_length(btrim(trimmed)) BETWEEN 3 AND 5),
    score integer CHECK (score BETWEEN 1 AND 5), tags text[] CHECK (cardinality(tags) <= 1), digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    settings jsonb NOT NULL CHECK (settings ? 'theme'), list jsonb NOT NULL CHECK (jsonb_typeof(list) = 'array'), number text NOT NULL CHECK (number::integer > 5),
    even integer NOT NULL CHECK (even % 2 = 0), past timestamptz NOT NULL CHECK (past < now()));
CREATE TABLE computed (id serial PRIMARY KEY, price numeric(10, 2) NOT NULL, amount integer NOT NULL, total numeric GENERATED ALWAYS AS (price * amount) STORED, small smallint NOT NULL, CHECK (price > 1));
-- partitions
CREATE TABLE events (id bigserial, at timestamptz NOT NULL, kind text NOT NULL DEFAULT 'x') PARTITION BY RANGE (at);
CREATE TABLE events_before PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2024_a PARTITION OF events_2024 FOR VALUES IN ('a', 'b');
CREATE TABLE events_2024_rest PARTITION OF events_2024 DEFAULT;
CREATE TABLE hashed (id integer PRIMARY KEY, note text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE regions (id integer, region text NOT NULL, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE regions_eu PARTITION OF regions FOR VALUES IN ('eu');
CREATE TABLE without_partitions (id integer NOT NULL) PARTITION BY RANGE (id);
-- triggers
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.state <> 'draft' THEN RAISE EXCEPTION 'only drafts'; END IF;
    RETURN NEW;
END $$;
CREATE TABLE drafts (id serial PRIMARY KEY, state text NOT NULL, title text NOT NULL);
CREATE TRIGGER refuse BEFORE INSERT ON drafts FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nothing may be added'; END $$;
CREATE TABLE closed (id serial PRIMARY KEY);
CREATE TRIGGER refuse BEFORE INSERT ON closed FOR EACH ROW EXECUTE FUNCTION refuse_all();
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TABLE swallowed (id serial PRIMARY KEY);
CREATE TRIGGER swallow BEFORE INSERT ON swallowed FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TABLE of_closed (id serial PRIMARY KEY, closed_id integer NOT NULL REFERENCES closed);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
CREATE TABLE touched (id serial PRIMARY KEY, name text NOT NULL);
CREATE TRIGGER touch BEFORE INSERT ON touched FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION count_members() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE counted SET members = members + 1; RETURN NULL; END $$;
CREATE TABLE counted (id serial PRIMARY KEY, members integer NOT NULL DEFAULT 0);
CREATE TABLE counting (id serial PRIMARY KEY);
CREATE TRIGGER count_members AFTER INSERT ON counting FOR EACH ROW EXECUTE FUNCTION count_members();
-- the rest
CREATE TABLE secured (id serial PRIMARY KEY, tenant text NOT NULL);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
ALTER TABLE secured FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON secured USING (tenant = current_setting('app.tenant', true));
CREATE TABLE only_given (id integer GENERATED ALWAYS AS IDENTITY, made timestamptz NOT NULL DEFAULT now());
CREATE TABLE only_identity (id integer GENERATED ALWAYS AS IDENTITY);
CREATE TABLE without_columns ();
CREATE TABLE seeded (code text PRIMARY KEY CHECK (code IN ('one')), label text);
INSERT INTO seeded VALUES ('one', 'seed');
CREATE TABLE of_seeded (id serial PRIMARY KEY, code text NOT NULL REFERENCES seeded);
CREATE TABLE wide (id serial PRIMARY KEY);
DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('ALTER TABLE wide ADD c%s text NOT NULL', i); END LOOP; END $$;
CREATE TABLE inherited (extra text NOT NULL) INHERITS (accounts);
