--
-- PostgreSQL database dump, of the tables that create_all had made
--

\restrict b4s3l1n3

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TYPE public.essay_state AS ENUM (
    'draft',
    'done'
);

CREATE FUNCTION public.words(text text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT cardinality(string_to_array(text, ';'))$$;

CREATE TABLE public.essays (
    id integer NOT NULL,
    title text,
    state public.essay_state DEFAULT 'draft'::public.essay_state NOT NULL
);

ALTER TABLE ONLY public.essays
    ADD CONSTRAINT essays_pkey PRIMARY KEY (id);

\unrestrict b4s3l1n3
