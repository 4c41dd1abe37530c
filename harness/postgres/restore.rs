//! What belongs to a whole server and can outlive a database: [`Snapshot`].
//!
//! Roles, settings, tablespaces and replication slots are not in any database
//! (<https://www.postgresql.org/docs/current/catalogs-overview.html>, "shared
//! across the cluster"). A migration that makes one would find it there when it
//! runs a second time, so it is put back between two databases.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::statements::drop_database;
use super::{error, run_sql, sql_error};
use crate::error::Result;

/// What there is on a server outside of its databases.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    number: i32,
    shared: bool,
    /// (kind, name) and what it is like.
    things: BTreeMap<(String, String), String>,
}

/// One row per thing: kind, name, definition.
const THINGS: &str = "
SELECT 'role', rolname::text,
       concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
         CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
         CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
         CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
         CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
         CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
         'CONNECTION LIMIT', rolconnlimit,
         'PASSWORD ' || coalesce(quote_literal(rolpassword), 'NULL'),
         'VALID UNTIL ' || quote_literal(rolvaliduntil))
  FROM pg_authid
UNION ALL
SELECT 'membership', format('%I TO %I', g.rolname, m.rolname), a.admin_option::text
  FROM pg_auth_members a JOIN pg_authid g ON g.oid = a.roleid JOIN pg_authid m ON m.oid = a.member
UNION ALL
SELECT 'role setting', coalesce(quote_ident(r.rolname), 'ALL'), array_to_string(s.setconfig, E'\\n')
  FROM pg_db_role_setting s LEFT JOIN pg_authid r ON r.oid = s.setrole WHERE s.setdatabase = 0
UNION ALL
SELECT 'system setting', name, setting FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'
UNION ALL
SELECT 'tablespace', spcname::text, concat_ws(' ', pg_get_userbyid(spcowner), coalesce(spcacl, acldefault('t', spcowner))::text, spcoptions::text)
  FROM pg_tablespace
UNION ALL
SELECT 'replication slot', slot_name::text, slot_type FROM pg_replication_slots
UNION ALL
SELECT 'database', datname::text,
       concat_ws(' ', pg_get_userbyid(datdba), datallowconn, datistemplate, datconnlimit,
         coalesce(datacl, acldefault('d', datdba))::text)
  FROM pg_database";

impl Snapshot {
    /// What is there now. On a shared server only the roles' names, which
    /// everyone may read.
    pub async fn take(connection: &mut PgConnection, number: i32, shared: bool) -> Result<Self> {
        let sql = if shared {
            "SELECT 'role', rolname::text, '' FROM pg_roles"
        } else {
            THINGS
        };
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(sql)
            .fetch_all(connection)
            .await
            .map_err(|e| sql_error("cannot read what the server holds", &e))?;
        let things = rows
            .into_iter()
            .map(|(kind, name, definition)| ((kind, name), definition.unwrap_or_default()))
            .collect();
        Ok(Self {
            number,
            shared,
            things,
        })
    }

    /// Names of a kind that are here and not in `other`.
    fn new_since<'a>(&'a self, other: &Self, kind: &str) -> Vec<&'a str> {
        self.things
            .keys()
            .filter(|key| key.0 == kind && !other.things.contains_key(key))
            .map(|key| key.1.as_str())
            .collect()
    }
}

/// Whether something outside of databases is not what it was; on a shared server only
/// whether there are new roles.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn is_changed(
    connection: &mut PgConnection,
    before: &Snapshot,
    ours: &[String],
) -> Result<bool> {
    let now = Snapshot::take(connection, before.number, before.shared).await?;
    Ok(!differences(before, &now, ours).is_empty())
}

/// Puts back what was changed since `before`, except the databases `ours`.
///
/// # Errors
/// Naming all that is still different afterwards.
pub(super) async fn put_back(
    connection: &mut PgConnection,
    before: &Snapshot,
    ours: &[String],
) -> Result<()> {
    let now = Snapshot::take(connection, before.number, false).await?;
    if differences(before, &now, ours).is_empty() {
        return Ok(());
    }
    let mut refused = Vec::new();
    for name in now.new_since(before, "database") {
        if !ours.iter().any(|ours| ours == name)
            && let Err(e) = drop_database(connection, name, before.number).await
        {
            refused.push(e.message);
        }
    }
    for statement in statements(before, &now) {
        if let Err(e) = run_sql(connection, &statement).await {
            // Passwords stand in statements: only their beginning is shown.
            let what: Vec<&str> = statement.split_whitespace().take(4).collect();
            refused.push(sql_error(&format!("`{} ...`", what.join(" ")), &e).message);
        }
    }
    let after = Snapshot::take(connection, before.number, false).await?;
    let left = differences(before, &after, ours);
    if left.is_empty() {
        return Ok(());
    }
    let mut e = error(format!(
        "cannot put the server back to what it was: {}",
        left.join(", ")
    ));
    e.details = refused;
    Err(e.help("a migration changes something for the whole server that the harness cannot undo"))
}

/// What undoes the difference between two snapshots, in an order that works.
fn statements(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut sql = Vec::new();
    let slots = now.new_since(before, "replication slot");
    sql.extend(
        slots
            .iter()
            .map(|slot| format!("SELECT pg_drop_replication_slot({})", literal(slot))),
    );
    for name in now.new_since(before, "tablespace") {
        sql.push(format!("DROP TABLESPACE {}", ident(name)));
    }
    for role in now.new_since(before, "role") {
        sql.push(format!("DROP OWNED BY {} CASCADE", ident(role)));
        sql.push(format!("DROP ROLE {}", ident(role)));
    }
    let changed = |kind: &str| -> BTreeSet<&(String, String)> {
        let either = before.things.keys().chain(now.things.keys());
        either
            .filter(|key| key.0 == kind && before.things.get(*key) != now.things.get(*key))
            .collect()
    };
    for key in changed("role") {
        if let (Some(definition), true) = (before.things.get(key), now.things.contains_key(key)) {
            sql.push(format!("ALTER ROLE {} {definition}", ident(&key.1)));
        }
    }
    let new_roles: BTreeSet<&str> = now.new_since(before, "role").into_iter().collect();
    for key in changed("membership") {
        // Those of a role that is gone by now went with it.
        let gone = key
            .1
            .split(" TO ")
            .any(|role| new_roles.contains(role.trim_matches('"')));
        match before.things.get(key) {
            None if !gone => sql.push(format!("REVOKE {}", key.1.replacen(" TO ", " FROM ", 1))),
            None => {}
            Some(admin) => {
                let option = if admin == "true" {
                    " WITH ADMIN OPTION"
                } else {
                    ""
                };
                sql.push(format!("GRANT {}{option}", key.1));
            }
        }
    }
    for key in changed("role setting") {
        if new_roles.contains(key.1.trim_matches('"')) {
            continue;
        }
        sql.push(format!("ALTER ROLE {} RESET ALL", key.1));
        for line in before
            .things
            .get(key)
            .into_iter()
            .flat_map(|config| config.lines())
        {
            if let Some((name, value)) = line.split_once('=') {
                sql.push(format!(
                    "ALTER ROLE {} SET {} = {}",
                    key.1,
                    setting(name),
                    literal(value)
                ));
            }
        }
    }
    let settings = changed("system setting");
    for key in &settings {
        match before.things.get(*key) {
            None => sql.push(format!("ALTER SYSTEM RESET {}", setting(&key.1))),
            Some(value) => sql.push(format!(
                "ALTER SYSTEM SET {} = {}",
                setting(&key.1),
                literal(value)
            )),
        }
    }
    if !settings.is_empty() {
        sql.push("SELECT pg_reload_conf()".to_owned());
    }
    sql
}

/// What still differs, named.
fn differences(before: &Snapshot, after: &Snapshot, ours: &[String]) -> Vec<String> {
    let either: BTreeSet<_> = before.things.keys().chain(after.things.keys()).collect();
    either
        .into_iter()
        .filter(|key| before.things.get(*key) != after.things.get(*key))
        .filter(|key| key.0 != "database" || !ours.contains(&key.1))
        .map(|(kind, name)| {
            let key = (kind.clone(), name.clone());
            let how = match (
                before.things.contains_key(&key),
                after.things.contains_key(&key),
            ) {
                (true, false) => "is gone",
                (false, true) => "is still there",
                _ => "is still changed",
            };
            format!("the {kind} {name} {how}")
        })
        .collect()
}

/// On a shared server: drops those of `roles` that were not there before.
///
/// # Errors
/// Naming the role that cannot be dropped.
pub(super) async fn drop_roles(
    connection: &mut PgConnection,
    before: &Snapshot,
    roles: &[String],
) -> Result<()> {
    debug_assert!(before.shared, "a server of ours is put back whole");
    let now = Snapshot::take(connection, before.number, true).await?;
    for role in now.new_since(before, "role") {
        if !roles.iter().any(|created| created == role) {
            continue;
        }
        for statement in [
            format!("DROP OWNED BY {} CASCADE", ident(role)),
            format!("DROP ROLE {}", ident(role)),
        ] {
            run_sql(connection, &statement).await.map_err(|e| {
                sql_error(
                    &format!("cannot drop the role {role}, which a migration created"),
                    &e,
                )
            })?;
        }
    }
    Ok(())
}

/// A quoted identifier
/// (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>).
fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A setting's name: one or two identifiers.
fn setting(name: &str) -> String {
    name.split('.').map(ident).collect::<Vec<_>>().join(".")
}

/// A string literal, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
