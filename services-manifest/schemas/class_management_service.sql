-- The accepted schema of class_management_service at head: one object after another,
-- sorted by schema, kind and name. Not edited by hand: UPDATE_SCHEMAS=1 writes it.

-- enum type public.association_validation_status_enum
CREATE TYPE public.association_validation_status_enum AS ENUM (
    'pending',
    'confirmed',
    'rejected'
);

-- enum type public.course_code_enum
CREATE TYPE public.course_code_enum AS ENUM (
    'ENG5',
    'ENG6',
    'ENG7',
    'SV1',
    'SV2',
    'SV3'
);

-- table public.class_student_association
CREATE TABLE public.class_student_association (
    class_id uuid NOT NULL,
    student_id uuid NOT NULL,
    CONSTRAINT class_student_association_pkey PRIMARY KEY (class_id, student_id)
);

-- table public.classes
CREATE TABLE public.classes (
    id uuid NOT NULL,
    course_id uuid NOT NULL,
    name character varying(255) NOT NULL,
    created_by_user_id character varying(255) NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    archived_at timestamp with time zone,
    CONSTRAINT classes_pkey PRIMARY KEY (id)
);

-- table public.courses
CREATE TABLE public.courses (
    id uuid NOT NULL,
    course_code public.course_code_enum NOT NULL,
    name character varying(255) NOT NULL,
    language character varying(10) NOT NULL,
    CONSTRAINT courses_course_code_key UNIQUE (course_code),
    CONSTRAINT courses_pkey PRIMARY KEY (id)
);

-- table public.essay_student_associations
CREATE TABLE public.essay_student_associations (
    id uuid NOT NULL,
    essay_id uuid NOT NULL,
    class_id uuid NOT NULL,
    student_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    confidence_score numeric(4,3),
    validation_status public.association_validation_status_enum NOT NULL DEFAULT 'pending'::public.association_validation_status_enum,
    validated_by character varying(255),
    validated_at timestamp with time zone,
    CONSTRAINT ck_essay_student_associations_confidence_score CHECK (((confidence_score >= (0)::numeric) AND (confidence_score <= (1)::numeric))),
    CONSTRAINT essay_student_associations_essay_id_key UNIQUE (essay_id),
    CONSTRAINT essay_student_associations_pkey PRIMARY KEY (id)
);

-- table public.event_outbox
CREATE TABLE public.event_outbox (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    aggregate_type character varying(100) NOT NULL,
    aggregate_id character varying(255) NOT NULL,
    event_type character varying(255) NOT NULL,
    event_data jsonb NOT NULL,
    retry_count integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    published_at timestamp with time zone,
    topic character varying(255) NOT NULL,
    CONSTRAINT event_outbox_pkey PRIMARY KEY (id)
);

-- table public.students
CREATE TABLE public.students (
    id uuid NOT NULL,
    first_name character varying(255) NOT NULL,
    last_name character varying(255) NOT NULL,
    email character varying(320),
    created_by_user_id character varying(255) NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    external_student_id character varying(64),
    CONSTRAINT students_pkey PRIMARY KEY (id),
    CONSTRAINT uq_students_external_id UNIQUE (created_by_user_id, external_student_id)
);

-- index public.ix_classes_created_by_user_id
CREATE INDEX ix_classes_created_by_user_id ON public.classes USING btree (created_by_user_id);

-- index public.ix_essay_student_associations_class_id
CREATE INDEX ix_essay_student_associations_class_id ON public.essay_student_associations USING btree (class_id);

-- index public.ix_essay_student_associations_student_id
CREATE INDEX ix_essay_student_associations_student_id ON public.essay_student_associations USING btree (student_id);

-- index public.ix_event_outbox_aggregate
CREATE INDEX ix_event_outbox_aggregate ON public.event_outbox USING btree (aggregate_type, aggregate_id);

-- index public.ix_event_outbox_unpublished
CREATE INDEX ix_event_outbox_unpublished ON public.event_outbox USING btree (published_at, created_at) WHERE (published_at IS NULL);

-- index public.ix_students_created_by_user_id
CREATE INDEX ix_students_created_by_user_id ON public.students USING btree (created_by_user_id);

-- index public.uq_students_email
CREATE UNIQUE INDEX uq_students_email ON public.students USING btree (created_by_user_id, lower((email)::text)) WHERE (email IS NOT NULL);

-- foreign key public.class_student_association.class_student_association_class_id_fkey
ALTER TABLE public.class_student_association
    ADD CONSTRAINT class_student_association_class_id_fkey FOREIGN KEY (class_id) REFERENCES public.classes(id) ON DELETE CASCADE;

-- foreign key public.class_student_association.class_student_association_student_id_fkey
ALTER TABLE public.class_student_association
    ADD CONSTRAINT class_student_association_student_id_fkey FOREIGN KEY (student_id) REFERENCES public.students(id) ON DELETE CASCADE;

-- foreign key public.classes.classes_course_id_fkey
ALTER TABLE public.classes
    ADD CONSTRAINT classes_course_id_fkey FOREIGN KEY (course_id) REFERENCES public.courses(id);

-- foreign key public.essay_student_associations.essay_student_associations_class_id_fkey
ALTER TABLE public.essay_student_associations
    ADD CONSTRAINT essay_student_associations_class_id_fkey FOREIGN KEY (class_id) REFERENCES public.classes(id) ON DELETE CASCADE;

-- foreign key public.essay_student_associations.essay_student_associations_student_id_fkey
ALTER TABLE public.essay_student_associations
    ADD CONSTRAINT essay_student_associations_student_id_fkey FOREIGN KEY (student_id) REFERENCES public.students(id) ON DELETE CASCADE;
