-- A schema that only the administrator may make; its owner is the application's role.
CREATE SCHEMA reports AUTHORIZATION prepared_app;
/* Settings and permissions of the database go with it. */
ALTER DATABASE {database_name} SET search_path = public, reports;
ALTER DATABASE {database_name} SET prepared.note = 'it''s; here';
GRANT CREATE ON DATABASE {database_name} TO prepared_app;
