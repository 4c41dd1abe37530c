-- The accepted schema of identity_service at head: one object after another,
-- sorted by schema, kind and name. Not edited by hand: UPDATE_SCHEMAS=1 writes it.

-- enum type public.user_role_enum
CREATE TYPE public.user_role_enum AS ENUM (
    'teacher',
    'school_admin',
    'support'
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
    CONSTRAINT event_outbox_pkey PRIMARY KEY (id)
);

-- table public.refresh_sessions
CREATE TABLE public.refresh_sessions (
    jti uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT refresh_sessions_pkey PRIMARY KEY (jti)
);

-- table public.role_invitations
CREATE TABLE public.role_invitations (
    token_hash character varying(64) NOT NULL,
    email character varying(320) NOT NULL,
    role public.user_role_enum NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT role_invitations_pkey PRIMARY KEY (token_hash)
);

-- table public.user_audit_log
CREATE TABLE public.user_audit_log (
    id bigserial NOT NULL,
    user_id uuid,
    action character varying(100) NOT NULL,
    ip_address inet,
    details jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT user_audit_log_pkey PRIMARY KEY (id)
);

-- table public.users
CREATE TABLE public.users (
    id uuid NOT NULL,
    email character varying(320) NOT NULL,
    password_hash character varying(255) NOT NULL,
    role public.user_role_enum NOT NULL DEFAULT 'teacher'::public.user_role_enum,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    email_verified boolean NOT NULL DEFAULT false,
    failed_login_attempts integer NOT NULL DEFAULT 0,
    locked_until timestamp with time zone,
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

-- index public.ix_event_outbox_aggregate
CREATE INDEX ix_event_outbox_aggregate ON public.event_outbox USING btree (aggregate_type, aggregate_id);

-- index public.ix_event_outbox_unpublished
CREATE INDEX ix_event_outbox_unpublished ON public.event_outbox USING btree (published_at, created_at) WHERE (published_at IS NULL);

-- index public.ix_refresh_sessions_active
CREATE INDEX ix_refresh_sessions_active ON public.refresh_sessions USING btree (user_id) WHERE (revoked_at IS NULL);

-- index public.ix_role_invitations_email
CREATE INDEX ix_role_invitations_email ON public.role_invitations USING btree (email);

-- index public.ix_user_audit_log_details
CREATE INDEX ix_user_audit_log_details ON public.user_audit_log USING gin (details);

-- foreign key public.refresh_sessions.refresh_sessions_user_id_fkey
ALTER TABLE public.refresh_sessions
    ADD CONSTRAINT refresh_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

-- foreign key public.user_audit_log.fk_user_audit_log_user
ALTER TABLE public.user_audit_log
    ADD CONSTRAINT fk_user_audit_log_user FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE SET NULL;
