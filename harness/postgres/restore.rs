//! The state that belongs to a whole server and can outlive a database: [`Snapshot`].
//!
//! Roles, settings, tablespaces and replication slots are not in any database
//! (<https://www.postgresql.org/docs/current/catalogs-overview.html>, "shared
//! across the cluster"). A migration that makes one would find it there when it
//! runs a second time, so it is put back between two databases. On a server that others
//! use too, that is what the service's statements [account for](super::ClusterObjects).

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgConnection};

use super::setting::{assignment, literal, variable};
use super::statements::drop_database;
use super::{ClusterObjects, error, run_sql, sql_error};
use crate::error::Result;
use crate::quoting::quoted;

/// The state of a server outside of its databases.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    number: i32,
    scope: Scope,
    /// (kind, name) and what it is like.
    things: BTreeMap<(String, String), String>,
}

/// The catalogs that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scope {
    /// All of them, passwords included.
    #[default]
    Superuser,
    /// Those that are open to everyone.
    Everyone,
}

/// One line per attribute of a role, as `ALTER ROLE` takes it.
const ATTRIBUTES: &str = "
  CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
  CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
  CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
  CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
  CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
  CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
  CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
  'CONNECTION LIMIT ' || rolconnlimit,
  'VALID UNTIL ' || quote_literal(coalesce(rolvaliduntil, 'infinity'))";

/// One row per thing that everyone may see: kind, name, definition.
const VISIBLE: &str = "
SELECT 'membership', format('%I TO %I', g.rolname, m.rolname), a.admin_option::text
  FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
UNION ALL
SELECT 'role setting', coalesce(quote_ident(r.rolname), 'ALL'), to_json(s.setconfig)::text
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = 0
UNION ALL
SELECT 'database setting', d.datname::text, to_json(s.setconfig)::text
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
  WHERE s.setrole = 0 AND d.datname !~ '^migration_harness_'
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

impl Scope {
    /// The query for all that may be read.
    fn things(self) -> String {
        match self {
            Self::Superuser => format!(
                "SELECT 'role', rolname::text, concat_ws(E'\\n', {ATTRIBUTES}, 'PASSWORD ' || coalesce(quote_literal(rolpassword), 'NULL')) FROM pg_authid
                 UNION ALL
                 SELECT 'system setting', name, setting FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'
                 UNION ALL {VISIBLE}"
            ),
            Self::Everyone => format!(
                "SELECT 'role', rolname::text, concat_ws(E'\\n', {ATTRIBUTES}) FROM pg_roles
                 UNION ALL {VISIBLE}"
            ),
        }
    }
}

impl Snapshot {
    /// The state now, as far as the connection's user may see it.
    pub async fn take(connection: &mut PgConnection, number: i32) -> Result<Self> {
        let failed = |e: sqlx::Error| sql_error("cannot read what the server holds", &e);
        let superuser: bool =
            sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
        let scope = match superuser {
            true => Scope::Superuser,
            false => Scope::Everyone,
        };
        Self::read(connection, number, scope).await
    }

    /// The same things that another snapshot has, as they are now: all, or those that a
    /// service's statements account for.
    async fn again(
        &self,
        connection: &mut PgConnection,
        touched: Option<&ClusterObjects>,
    ) -> Result<Self> {
        let mut now = Self::read(connection, self.number, self.scope).await?;
        let Some(touched) = touched else {
            return Ok(now);
        };
        let either: BTreeSet<_> = self
            .things
            .keys()
            .chain(now.things.keys())
            .cloned()
            .collect();
        for key in either {
            let before = self.things.get(&key);
            if !touched.accounts_for(&key.0, &key.1, before.is_none()) {
                match before {
                    Some(definition) => now.things.insert(key, definition.clone()),
                    None => now.things.remove(&key),
                };
            }
        }
        Ok(now)
    }

    async fn read(connection: &mut PgConnection, number: i32, scope: Scope) -> Result<Self> {
        let rows: Vec<(String, String, Option<String>)> =
            sqlx::query_as(AssertSqlSafe(scope.things()))
                .fetch_all(connection)
                .await
                .map_err(|e| sql_error("cannot read what the server holds", &e))?;
        let things = rows
            .into_iter()
            .map(|(kind, name, definition)| ((kind, name), definition.unwrap_or_default()))
            .collect();
        Ok(Self {
            number,
            scope,
            things,
        })
    }

    /// Has a role as it is in `now`: its password was changed by us.
    pub fn take_role_from(&mut self, now: &Self, name: &str) {
        let key = ("role".to_owned(), name.to_owned());
        if let Some(role) = now.things.get(&key) {
            self.things.insert(key, role.clone());
        }
    }

    /// Leaves out a database that is gone because the harness has no use for it any more.
    pub fn forget_database(&mut self, name: &str) {
        let is_of_it = |key: &(String, String)| key.0.starts_with("database") && key.1 == name;
        self.things.retain(|key, _| !is_of_it(key));
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

/// Tells whether something outside of databases is not what it was; of what `touched` accounts
/// for, where others use the server too.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn is_changed(
    connection: &mut PgConnection,
    before: &Snapshot,
    ours: &[String],
    touched: Option<&ClusterObjects>,
) -> Result<bool> {
    let now = before.again(connection, touched).await?;
    Ok(!differences(before, &now, ours).is_empty())
}

/// Puts back what was changed since `before`, except the databases `ours`; of what
/// `touched` accounts for, where others use the server too.
///
/// # Errors
/// Naming all that is still different afterwards.
pub(super) async fn put_back(
    connection: &mut PgConnection,
    before: &Snapshot,
    ours: &[String],
    touched: Option<&ClusterObjects>,
) -> Result<()> {
    let now = before.again(connection, touched).await?;
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
    let after = before.again(connection, touched).await?;
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

/// The statements that undo the difference between two snapshots, in an order that works.
fn statements(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut sql = drops(before, now);
    sql.extend(roles(before, now));
    sql.extend(memberships(before, now));
    sql.extend(role_settings(before, now));
    sql.extend(database_settings(before, now));
    sql.extend(system_settings(before, now));
    sql
}

/// The things of a kind that are not as they were.
fn changed<'a>(
    kind: &str,
    before: &'a Snapshot,
    now: &'a Snapshot,
) -> BTreeSet<&'a (String, String)> {
    let either = before.things.keys().chain(now.things.keys());
    either
        .filter(|key| key.0 == kind && before.things.get(*key) != now.things.get(*key))
        .collect()
}

/// Removes what was not there.
fn drops(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut sql = Vec::new();
    for slot in now.new_since(before, "replication slot") {
        sql.push(format!(
            "SELECT pg_drop_replication_slot({})",
            literal(slot)
        ));
    }
    for name in now.new_since(before, "tablespace") {
        sql.push(format!("DROP TABLESPACE {}", quoted(name)));
    }
    for role in now.new_since(before, "role") {
        sql.push(format!("DROP OWNED BY {} CASCADE", quoted(role)));
        sql.push(format!("DROP ROLE {}", quoted(role)));
    }
    sql
}

/// Gives roles the attributes that they had.
fn roles(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut sql = Vec::new();
    for key in changed("role", before, now) {
        if let (Some(was), Some(is)) = (before.things.get(key), now.things.get(key)) {
            // Some attributes only a superuser may name, also to leave them as they are.
            let changed = was
                .lines()
                .filter(|line| !is.lines().any(|now| now == *line));
            let changed: Vec<&str> = changed.collect();
            sql.push(format!(
                "ALTER ROLE {} {}",
                quoted(&key.1),
                changed.join(" ")
            ));
        }
    }
    sql
}

/// Gives roles the members that they had.
fn memberships(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let new_roles = now.new_since(before, "role");
    let mut sql = Vec::new();
    for key in changed("membership", before, now) {
        // Those of a role that is gone by now went with it.
        let gone = key
            .1
            .split(" TO ")
            .any(|role| new_roles.contains(&role.trim_matches('"')));
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
    sql
}

fn role_settings(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let new_roles = now.new_since(before, "role");
    let mut sql = Vec::new();
    for key in changed("role setting", before, now) {
        if !new_roles.contains(&key.1.trim_matches('"')) {
            let role = format!("ROLE {}", key.1);
            sql.extend(changed_settings(&role, key, before, now));
        }
    }
    sql
}

fn database_settings(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut sql = Vec::new();
    for key in changed("database setting", before, now) {
        // Those of a database that is gone by now went with it.
        let there = ("database".to_owned(), key.1.clone());
        if before.things.contains_key(&there) && now.things.contains_key(&there) {
            let database = format!("DATABASE {}", quoted(&key.1));
            sql.extend(changed_settings(&database, key, before, now));
        }
    }
    sql
}

fn system_settings(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let settings = changed("system setting", before, now);
    let mut sql = Vec::new();
    for key in &settings {
        match before.things.get(*key) {
            None => sql.push(format!("ALTER SYSTEM RESET {}", variable(&key.1))),
            Some(value) => sql.push(format!("ALTER SYSTEM SET {}", assignment(&key.1, value))),
        }
    }
    if !settings.is_empty() {
        sql.push("SELECT pg_reload_conf()".to_owned());
    }
    sql
}

/// The statements that undo the difference between the settings of `whom`, a role or a database.
fn changed_settings(
    whom: &str,
    key: &(String, String),
    before: &Snapshot,
    now: &Snapshot,
) -> Vec<String> {
    let settings = |snapshot: &Snapshot| -> BTreeMap<String, String> {
        let config = snapshot.things.get(key);
        let config = config.and_then(|config| serde_json::from_str::<Vec<String>>(config).ok());
        let settings = config.unwrap_or_default();
        let pairs = settings.iter().filter_map(|one| one.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let (was, is) = (settings(before), settings(now));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| was.get(*name) != is.get(*name));
    changed
        .map(|name| {
            let how = match was.get(name) {
                Some(value) => format!("SET {}", assignment(name, value)),
                None => format!("RESET {}", variable(name)),
            };
            format!("ALTER {whom} {how}")
        })
        .collect()
}

/// The names of what still differs.
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
