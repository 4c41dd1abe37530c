//! The error where a service tried to use a database that is not the disposable one.

use crate::alembic::script_location::option;
use crate::alembic::transcript::{ConnectionTarget, Need, Place, RefusedConnection, Transcript};
use crate::alembic::worker::handed_over::by_argument;
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;
use crate::postgres::Database;

impl RefusedConnection {
    /// Tells whether it is our own database, of which a migration took the token away.
    fn lost_its_token(&self, database: &Database) -> bool {
        self.sought == ConnectionTarget::Untokened
            && self.host.as_ref() == Some(&database.host)
            && self.port.as_deref() == Some(&*database.port.to_string())
            && self.database.as_ref() == Some(&database.name)
    }

    /// The thing sought, as the end of a sentence about whoever connects to it.
    fn object(&self) -> String {
        match &self.sought {
            ConnectionTarget::Database => "another database, not to the disposable one".to_owned(),
            ConnectionTarget::Dialect(name) => {
                format!("a {name} database, not to the disposable one")
            }
            ConnectionTarget::Untokened => {
                "a database without the token, not to the disposable one".to_owned()
            }
            ConnectionTarget::Program(name) => {
                format!("another server with {name}, not to the disposable database")
            }
            ConnectionTarget::Socket => {
                format!("{}, and does not go on without it", self.address())
            }
        }
    }

    /// Host, port and database, as far as they were named.
    fn tried(&self) -> String {
        let named = |value: &Option<String>| value.clone().unwrap_or("(not named)".to_owned());
        if let ConnectionTarget::Dialect(name) = &self.sought {
            return format!("it tried a {name} database, which has no host");
        }
        format!(
            "it tried host {}, port {}, database {}",
            named(&self.host),
            named(&self.port),
            named(&self.database)
        )
    }
}

/// The refused connection that ended a command. One that the service caught ended nothing.
///
/// # Errors
/// The connection, with what to do about it.
pub(super) fn refused(
    service: &Service,
    database: &Database,
    transcript: &Transcript,
) -> Result<()> {
    let raised = transcript.outcome.error();
    let Some(refused) = raised.and_then(|raised| raised.refused.as_ref()) else {
        return Ok(());
    };
    if refused.lost_its_token(database) {
        return Err(lost_token(service));
    }
    let place = refused.place.as_ref();
    if let Some(place) = place.filter(|_| has_several(service, transcript, refused)) {
        return Err(several(service, refused, place));
    }
    let who = place.map_or("env.py".to_owned(), |place| named(service, place));
    let error = HarnessError::new(
        Stage::Alembic,
        format!(
            "{}: {who} connects to {}; nothing was sent there",
            service.name,
            refused.object()
        ),
    );
    let error = match place {
        Some(place) => error.detail(format!("at {}:{}", service.shown(&place.file), place.line)),
        None => error,
    };
    Err(match refused.sought {
        ConnectionTarget::Socket => error
            .detail("migrations are judged without a network: they reach their database and nothing else")
            .help(format!(
                "have the service do without it where it is not there, or switch it off by the variable it reads, in [env] of {}",
                service.file.display()
            )),
        _ => error
            .detail(refused.tried())
            .detail(format!(
                "it was given host {}, port {}, database {}",
                database.host, database.port, database.name
            ))
            .help(advice(service, place, raised.and_then(|raised| raised.needs.as_ref()))),
    })
}

/// Tells whether `env.py` had reached the disposable database before and goes on to another, or
/// migrates those that `alembic init -t multidb` has the configuration name.
fn has_several(service: &Service, transcript: &Transcript, refused: &RefusedConnection) -> bool {
    let by_env = |place: &Option<Place>| {
        let place = place.as_ref();
        place.is_some_and(|place| place.revision.is_none())
    };
    let mut connected = transcript.connected.iter();
    let named = || {
        let (directory, ini) = (&service.directory, &service.alembic_ini);
        option(directory, ini, &service.alembic_section, "databases").is_some()
    };
    refused.sought == ConnectionTarget::Database
        && by_env(&refused.place)
        && (connected.any(|one| by_env(&one.place)) || named())
}

fn several(service: &Service, refused: &RefusedConnection, place: &Place) -> HarnessError {
    let env = service.shown(&place.file);
    HarnessError::new(
        Stage::Alembic,
        format!("{}: {env} migrates several databases, and a service has one; nothing was sent to the other", service.name),
    )
    .detail(format!("at {env}:{}", place.line))
    .detail(refused.tried())
    .help(
        "write one manifest file for each of its databases, with the same `path` and with an `alembic_section` of its own, \
         and have env.py migrate the database of that section (config.config_ini_section) or the one that `[alembic] x` names",
    )
}

fn lost_token(service: &Service) -> HarnessError {
    HarnessError::new(
        Stage::Alembic,
        format!("{}: a migration removed the setting migration_harness.token from its own database; nothing was executed on the next connection", service.name),
    )
    .detail("the setting shows that a connection goes to the disposable database and to no other")
    .help("ALTER DATABASE ... RESET ALL does that: reset the settings it means by their names")
}

/// The name of who connects: a revision by its id, a file by its path.
fn named(service: &Service, place: &Place) -> String {
    match &place.revision {
        Some(revision) => format!("revision {revision}"),
        None => service.shown(&place.file),
    }
}

/// The remedy, in the terms in which the manifest hands the database over.
fn advice(service: &Service, place: Option<&Place>, need: Option<&Need>) -> String {
    let manifest = service.file.display();
    let mut ways = Vec::new();
    if let Some(Need::Arguments { names, .. }) = need {
        let asked = names.join(" and -x ");
        ways.push(format!(
            "env.py asks for -x {asked}, which it is not given: {}",
            service.x_advice(names)
        ));
    }
    if !service.database_url_env.is_empty() {
        ways.push(format!(
            "the URL is handed over in {}: see which variable is read there, and name it in `database_url_env` of {manifest}",
            service.database_url_env.join(", ")
        ));
    }
    if service.database_env.is_empty() && !service.database_url_env.is_empty() {
        ways.push(
            "where it puts its URL together, give it the parts, below [env]: <VARIABLE> = \"{database_host}\", and so \
             {database_port}, {database_user}, {database_password} and {database_name}"
                .to_owned(),
        );
    }
    if !service.database_env.is_empty() {
        let parts = service.database_env.iter();
        let parts: Vec<String> = parts
            .map(|(name, text)| format!("{name} = \"{text}\""))
            .collect();
        ways.push(format!(
            "its parts are handed over by {}: see which variables are read there, and give them these parts in [env] of {manifest}",
            parts.join(", ")
        ));
    }
    let arguments: Vec<String> = by_argument(service).collect();
    if !arguments.is_empty() {
        ways.push(format!(
            "it is handed over by {}: see which argument is read there, and name it in `[alembic] x` of {manifest}",
            arguments.join(", ")
        ));
    }
    if service.database_url_ini {
        ways.push(format!(
            "the URL is handed over in sqlalchemy.url of {}: see whether that is what is read there, else name the variable as `database_url_env` in {manifest}",
            service.alembic_ini
        ));
    }
    if place.is_some_and(|place| place.revision.is_some()) {
        ways.insert(
            0,
            "a revision reaches its database by op.get_bind(), and no other".to_owned(),
        );
    }
    ways.join("; ")
}
