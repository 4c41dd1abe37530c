-- The accepted schema of entitlements_service at head: one object after another,
-- sorted by schema, kind and name. Not edited by hand: UPDATE_SCHEMAS=1 writes it.

-- table public.credit_balances
CREATE TABLE public.credit_balances (
    subject_type character varying(10) NOT NULL,
    subject_id character varying(255) NOT NULL,
    balance integer NOT NULL DEFAULT 0,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT ck_credit_balances_balance CHECK ((balance >= 0)),
    CONSTRAINT ck_credit_balances_subject_type CHECK (((subject_type)::text = ANY ((ARRAY['user'::character varying, 'org'::character varying])::text[]))),
    CONSTRAINT pk_credit_balances PRIMARY KEY (subject_type, subject_id)
);

-- table public.credit_operations
CREATE TABLE public.credit_operations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    subject_type character varying(10) NOT NULL,
    subject_id character varying(255) NOT NULL,
    metric character varying(100) NOT NULL,
    amount integer NOT NULL,
    status character varying(20) NOT NULL DEFAULT 'pending'::character varying,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    correlation_id character varying(255),
    CONSTRAINT ck_credit_operations_status CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'completed'::character varying, 'failed'::character varying, 'refunded'::character varying])::text[]))),
    CONSTRAINT pk_credit_operations PRIMARY KEY (id),
    CONSTRAINT uq_credit_operations_correlation_id UNIQUE (correlation_id)
);

-- table public.event_outbox
CREATE TABLE public.event_outbox (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    aggregate_type character varying(100) NOT NULL,
    aggregate_id character varying(255) NOT NULL,
    event_type character varying(255) NOT NULL,
    event_data jsonb NOT NULL,
    topic character varying(255) NOT NULL,
    retry_count integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    published_at timestamp with time zone,
    CONSTRAINT pk_event_outbox PRIMARY KEY (id)
);

-- table public.rate_limit_buckets
CREATE TABLE public.rate_limit_buckets (
    subject_id character varying(255) NOT NULL,
    metric character varying(100) NOT NULL,
    window_start timestamp with time zone NOT NULL,
    count integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_rate_limit_buckets_count CHECK ((count >= 0)),
    CONSTRAINT pk_rate_limit_buckets PRIMARY KEY (subject_id, metric, window_start)
);

-- index public.ix_credit_operations_subject
CREATE INDEX ix_credit_operations_subject ON public.credit_operations USING btree (subject_type, subject_id, created_at DESC);

-- index public.ix_event_outbox_aggregate
CREATE INDEX ix_event_outbox_aggregate ON public.event_outbox USING btree (aggregate_type, aggregate_id);

-- index public.ix_event_outbox_unpublished
CREATE INDEX ix_event_outbox_unpublished ON public.event_outbox USING btree (published_at, created_at) WHERE (published_at IS NULL);

-- index public.ix_rate_limit_buckets_window_start
CREATE INDEX ix_rate_limit_buckets_window_start ON public.rate_limit_buckets USING btree (window_start);
