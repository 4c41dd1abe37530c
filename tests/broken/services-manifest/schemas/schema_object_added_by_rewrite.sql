-- The accepted schema of schema_object_added_by_rewrite at head: one object after another,
-- sorted by schema, kind and name. Not edited by hand: UPDATE_SCHEMAS=1 writes it.

-- table public.essays
CREATE TABLE public.essays (
    id serial NOT NULL,
    title character varying(64) NOT NULL,
    content text,
    CONSTRAINT essays_pkey PRIMARY KEY (id)
);

-- table public.event_outbox
CREATE TABLE public.event_outbox (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    aggregate_type character varying(100) NOT NULL,
    aggregate_id character varying(255) NOT NULL,
    event_type character varying(255) NOT NULL,
    event_data jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    published_at timestamp with time zone,
    CONSTRAINT event_outbox_pkey PRIMARY KEY (id)
);

-- index public.ix_event_outbox_aggregate
CREATE INDEX ix_event_outbox_aggregate ON public.event_outbox USING btree (aggregate_type, aggregate_id);

-- index public.ix_event_outbox_unpublished
CREATE INDEX ix_event_outbox_unpublished ON public.event_outbox USING btree (published_at, created_at) WHERE (published_at IS NULL);
