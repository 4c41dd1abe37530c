//! Event triggers that ask around each command of a `DO` block or function.

use sqlx::PgConnection;

use crate::error::Result;
use crate::gather::answer::failed;

/// The function asks what the worker gives it in a setting of the transaction, and answers in
/// another one. It stands in `pg_catalog`, where a service does not look for its own. A command
/// that is refused because of it would be another deployment, so errors are dropped; so are
/// answers, where they become too long. A service's own triggers neither refuse nor record what is
/// laid here, and these look where a deployment turns others off
/// (<https://www.postgresql.org/docs/current/runtime-config-client.html>, `session_replication_role`).
const LAY: &str = r#"
SET session_replication_role = replica;
CREATE FUNCTION pg_catalog.migration_harness_look() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
  question text := pg_catalog.current_setting('migration_harness.question', true);
  looks text := pg_catalog.current_setting('migration_harness.looks', true);
  look text;
BEGIN
  IF question <> '' AND pg_catalog.length(looks) < 1000000 THEN
    EXECUTE question INTO look;
    IF tg_event = 'ddl_command_end' THEN
      look := '{"command": ' || pg_catalog.to_json(tg_tag) || ',' || pg_catalog.substr(look, 2);
    END IF;
    PERFORM pg_catalog.set_config('migration_harness.looks', looks || ',' || look, true);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;
END $$;
CREATE EVENT TRIGGER migration_harness_start ON ddl_command_start
  EXECUTE FUNCTION pg_catalog.migration_harness_look();
CREATE EVENT TRIGGER migration_harness_end ON ddl_command_end
  EXECUTE FUNCTION pg_catalog.migration_harness_look();
ALTER EVENT TRIGGER migration_harness_start ENABLE ALWAYS;
ALTER EVENT TRIGGER migration_harness_end ENABLE ALWAYS;
RESET session_replication_role"#;

/// Tells whether they could be laid, which only a superuser may
/// (<https://www.postgresql.org/docs/current/sql-createeventtrigger.html>).
pub(super) async fn lay(connection: &mut PgConnection) -> Result<bool> {
    match sqlx::raw_sql(LAY).execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(cause) => Err(failed(&cause)),
    }
}
