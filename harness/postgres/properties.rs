//! The properties of a database that a copy of it does not get by itself.

use sqlx::PgConnection;

use super::run_sql;
use super::setting::assignment;
use crate::error::Result;

/// The settings of a database, and those of a role in it, which are not copied with it: whose
/// they are in the database `$2`, name and value.
const SETTINGS: &str = r"
SELECT CASE WHEN s.setrole = 0 THEN format('DATABASE %I', $2)
            ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), $2) END,
       split_part(line, '=', 1), substr(line, strpos(line, '=') + 1)
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) line
  WHERE d.datname = $1 AND split_part(line, '=', 1) <> 'migration_harness.token'";

/// The other properties of a database, which are not copied: its permissions and its owner
/// (<https://www.postgresql.org/docs/current/sql-createdatabase.html>, "Notes"). One
/// statement per row, for the database `$2`, of what `$1` has.
const PROPERTIES: &str = r"
WITH permission AS (
  SELECT p.* FROM pg_database d, aclexplode(d.datacl) p WHERE d.datname = $1
)
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $2)
  FROM pg_database WHERE datname = $1 AND datacl IS NOT NULL
UNION ALL
SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, $2,
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM permission
UNION ALL
SELECT format('ALTER DATABASE %I OWNER TO %I', $2, pg_get_userbyid(datdba))
  FROM pg_database WHERE datname = $1 AND pg_get_userbyid(datdba) <> current_user";

/// Gives a copy what is not copied.
pub(super) async fn copy_properties(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
) -> Result<(), sqlx::Error> {
    let settings: Vec<(String, String, String)> = sqlx::query_as(SETTINGS)
        .bind(from)
        .bind(to)
        .fetch_all(&mut *connection)
        .await?;
    let properties: Vec<String> = sqlx::query_scalar(PROPERTIES)
        .bind(from)
        .bind(to)
        .fetch_all(&mut *connection)
        .await?;
    let set = settings
        .iter()
        .map(|(whose, name, value)| format!("ALTER {whose} SET {}", assignment(name, value)));
    for statement in set.chain(properties) {
        run_sql(connection, &statement).await?;
    }
    Ok(())
}
