//! What is said where a service tried to use a database that is not the disposable one.

use crate::alembic::transcript::{Refused, Transcript};
use crate::alembic::worker::handed_over::by_argument;
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;
use crate::postgres::Database;

impl Refused {
    /// Whether it is our own database, of which a migration took the token away.
    fn lost_its_token(&self, database: &Database) -> bool {
        self.what == "a database without the token"
            && self.host.as_ref() == Some(&database.host)
            && self.port.as_deref() == Some(&*database.port.to_string())
            && self.database.as_ref() == Some(&database.name)
    }
}

/// The service tried to use a database that is not the disposable one.
pub(super) fn refused(
    service: &Service,
    database: &Database,
    transcript: &Transcript,
) -> Result<()> {
    let failed = !transcript.finished();
    let Some(refused) = transcript
        .refused
        .iter()
        .find(|refused| refused.what != "a socket" || failed)
    else {
        return Ok(());
    };
    if refused.lost_its_token(database) {
        return Err(HarnessError::new(
            Stage::Alembic,
            format!("{}: a migration removed the setting migration_harness.token from its own database; nothing was executed on the next connection", service.name),
        )
        .detail("the setting shows that a connection goes to the disposable database and to no other")
        .help("ALTER DATABASE ... RESET ALL does that: reset the settings it means by their names"));
    }
    let named = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not named)".to_owned());
    let tried = match (&refused.host, &refused.port, &refused.database) {
        (None, None, None) => format!("it tried {}, which has no host", refused.what),
        (host, port, database) => {
            let (host, port) = (named(host), named(port));
            format!(
                "it tried host {host}, port {port}, database {}",
                named(database)
            )
        }
    };
    let mut variables = service.database_url_env.clone();
    variables.extend(service.database_env.keys().cloned());
    variables.extend(by_argument(service));
    if service.database_url_ini {
        variables.push("sqlalchemy.url of the ini file".to_owned());
    }
    Err(HarnessError::new(
        Stage::Alembic,
        format!("{}: env.py connects to {}, not to the disposable database; nothing was executed there", service.name, refused.what),
    )
    .detail(tried)
    .detail(format!("it was given host {}, port {}, database {}", database.host, database.port, database.name))
    .help(format!(
        "the URL is handed over in {}: see which variable env.py and its settings read, and name it as `database_url_env` in {}",
        variables.join(", "),
        service.file.display()
    )))
}
