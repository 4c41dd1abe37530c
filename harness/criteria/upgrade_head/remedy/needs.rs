//! The line to type for a setting or a module that is missing: [`provide`].

mod caller;

use std::path::Path;

use crate::alembic::transcript::{Need, Transcript};
use crate::criteria::Finding;
use crate::manifest::Service;

/// The number of variables that are shown.
const SHOWN: usize = 4;

impl Need {
    /// Tells whether it may be why an upgrade failed: what was only asked for is no reason once
    /// a revision ran, or PostgreSQL refused something.
    pub(in crate::criteria) fn may_explain(&self, transcript: &Transcript) -> bool {
        let error = transcript.outcome.error();
        let refused = error.is_some_and(|error| error.sqlstate.is_some());
        match self {
            Self::Arguments { is_certain, .. } | Self::Caller { is_certain, .. } => {
                *is_certain || (transcript.steps.is_empty() && !refused)
            }
            _ => true,
        }
    }
}

/// Adds where what is missing is to be provided.
pub fn provide(service: &Service, need: &Need, finding: Finding) -> Finding {
    match need {
        Need::Variables { names } => variables(service, names, finding),
        Need::Dialect { name } => dialect(service, name, finding),
        Need::Extension => finding
            .note("the application has no Flask-Migrate: nothing has called Migrate(app, db) by then, as a command of the service may")
            .help(format!(
                "write a module that ends with `app = <factory>()` and `Migrate(app, db)`, and name it in {}: flask_app = \"<module>:app\"",
                service.file.display()
            )),
        Need::Driver { is_async } => driver(service, *is_async, finding),
        Need::Arguments { names, is_certain } => {
            caller::arguments(service, names, *is_certain, finding)
        }
        Need::Caller {
            expression,
            instead,
            is_certain,
        } => caller::configuration(service, expression, instead, *is_certain, finding),
        Need::Section { name } => finding.help(format!(
            "fileConfig() configures logging from a file without a section [{name}]: write [loggers], [handlers] and [formatters] into {}, as `alembic init` does, or take the call out of env.py",
            service.alembic_ini
        )),
        Need::Module { name, found } => match found.as_slice() {
            [] => package(service, name, finding),
            places => places.iter().fold(finding, |finding, place| {
                on_path(service, name, place, finding)
            }),
        },
    }
}

fn variables(service: &Service, names: &[String], finding: Finding) -> Finding {
    let finding = finding.note(format!(
        "not in the environment: {}. Of yours, only PATH, HOME, LANG and TMPDIR reach the service",
        names.join(", ")
    ));
    let lines = names.iter().take(SHOWN).map(|name| line(service, name));
    lines.fold(finding, Finding::help)
}

/// The line of the manifest that sets a variable.
fn line(service: &Service, name: &str) -> String {
    let file = service.file.display();
    let words: Vec<String> = name.split('_').map(str::to_uppercase).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let ends = |wanted: &[&str]| {
        words
            .last()
            .is_some_and(|word| wanted.contains(&word.as_str()))
    };
    let of_database = has(&[
        "DATABASE",
        "DB",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "SQLALCHEMY",
    ]);
    let part = PARTS.iter().find(|(endings, _)| ends(endings));
    if of_database && ends(&["URL", "URI", "DSN"]) {
        let mut all = service.database_url_env.clone();
        all.push(name.to_owned());
        return match all.as_slice() {
            [one] => format!(
                "if it takes the database's URL, write into {file}: database_url_env = \"{one}\""
            ),
            many => format!(
                "if it takes the database's URL, write into {file}: database_url_env = [\"{}\"]",
                many.join("\", \"")
            ),
        };
    }
    match part.filter(|_| of_database) {
        Some((_, part)) => format!("write into {file}, below [env]: {name} = \"{{{part}}}\""),
        None => format!("write into {file}, below [env]: {name} = \"<value>\""),
    }
}

/// Endings of variables that take a part of the URL, and what fills them in.
const PARTS: &[(&[&str], &str)] = &[
    (&["HOST", "HOSTNAME", "SERVER"], "database_host"),
    (&["PORT"], "database_port"),
    (&["USER", "USERNAME"], "database_user"),
    (&["PASSWORD", "PASS"], "database_password"),
    (&["NAME", "DB", "DATABASE", "DBNAME"], "database_name"),
];

/// A module that lies in the monorepo, beside the path.
fn on_path(service: &Service, module: &str, place: &Path, finding: Finding) -> Finding {
    let below_root = place.strip_prefix(&service.root).unwrap_or(place);
    let mut path = Path::new("{root}").join(below_root).display().to_string();
    path.truncate(path.trim_end_matches('/').len());
    if let Some(before) = service.env.get("PYTHONPATH") {
        path = format!("{before}:{path}");
    }
    finding
        .note(format!("{module} is in {}", shown(below_root)))
        .help(format!(
            "write into {}, below [env]: PYTHONPATH = \"{path}\"",
            service.file.display()
        ))
        .help(format!(
            "or into {}, so that alembic itself finds it too: prepend_sys_path = {}",
            service.alembic_ini,
            relative(&service.directory, place)
        ))
}

fn shown(below_root: &Path) -> String {
    match below_root.as_os_str().is_empty() {
        true => "the root of the manifest".to_owned(),
        false => below_root.display().to_string(),
    }
}

/// A path as it is written in a file of `from`.
fn relative(from: &Path, to: &Path) -> String {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(left, right)| left == right)
        .count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared);
    let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}

/// Packages that are not called as the module that they provide.
const PACKAGES: [(&str, &str); 12] = [
    ("MySQLdb", "mysqlclient"),
    ("PIL", "Pillow"),
    ("bs4", "beautifulsoup4"),
    ("dateutil", "python-dateutil"),
    ("decouple", "python-decouple"),
    ("dotenv", "python-dotenv"),
    ("jose", "python-jose"),
    ("jwt", "PyJWT"),
    ("pkg_resources", "'setuptools<81'"),
    ("psycopg2", "psycopg2-binary"),
    ("sklearn", "scikit-learn"),
    ("yaml", "PyYAML"),
];

/// The driver in the URL is none that the installed SQLAlchemy knows.
fn dialect(service: &Service, name: &str, finding: Finding) -> Finding {
    if !name.is_empty() && name.split('.').next() != Some("postgresql") {
        let file = service.file.display();
        return finding
            .note(format!("env.py takes a URL of \"{name}\", and not the one that it is given, which is of \"postgresql\""))
            .help(match service.database_url_ini {
                true => format!("see where env.py takes its URL from, and name the variable in {file}: database_url_env = \"<VARIABLE>\""),
                false => format!("where it reads sqlalchemy.url of {}, write into {file}: database_url_ini = true", service.alembic_ini),
            });
    }
    finding
        .note("SQLAlchemy names psycopg and psycopg_async from 2.0 on")
        .help(format!(
            "write the driver that the service uses into {}, driver = \"psycopg2\" for instance: the URL it is given has \"{}\"",
            service.file.display(),
            service.driver
        ))
}

/// The engine that `env.py` makes is for asyncio and the driver is not, or the other way round.
fn driver(service: &Service, is_async: bool, finding: Finding) -> Finding {
    let (engine, driver) = match is_async {
        true => ("an engine for asyncio", "asyncpg"),
        false => ("an engine that is not for asyncio", "psycopg2"),
    };
    finding
        .note(format!("{engine} was made, and the URL has \"{}\"", service.driver))
        .help(format!(
            "write a driver for that into {}, such as driver = \"{driver}\"; psycopg is for both",
            service.file.display()
        ))
        .help(format!(
            "or, where one variable takes a URL for asyncio and another does not, take it out of database_url_env, \
             and write below [env]: <VARIABLE> = \"postgresql+{driver}://{{database_user}}:{{database_password}}@{{database_host}}:{{database_port}}/{{database_name}}\""
        ))
}

/// A module that nothing in the monorepo provides.
fn package(service: &Service, module: &str, finding: Finding) -> Finding {
    let python = service.python.join(" ");
    let top = module.split('.').next().unwrap_or(module);
    let known = PACKAGES.iter().find(|(name, _)| *name == top);
    let package = known.map_or(top, |(_, package)| package);
    let finding = match top == service.driver {
        true => finding.help(format!(
            "where the service uses another driver, write it into {}: driver = \"<driver>\"",
            service.file.display()
        )),
        false => finding,
    };
    finding
        .note(format!("the interpreter is {python}, and nothing below the manifest's root is called {module}"))
        .help(format!("install what provides it: {python} -m pip install {package}"))
        .help(format!(
            "or, where the service has an interpreter of its own, write into {}: python = \"<path>/bin/python\"",
            service.file.display()
        ))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pretty_assertions::assert_eq;

    use super::*;
    use crate::testing::{finding_text, service};

    fn of(service: &Service, need: &Need) -> String {
        finding_text(&provide(service, need, Finding::new("it fails")))
    }

    #[test]
    fn variables_that_are_missing() {
        let names = ["API_KEY", "POSTGRES_HOST", "B_DATABASE_URL", "BROKER_URL"];
        let names = names.map(str::to_owned).to_vec();
        assert_eq!(
            of(&service(), &Need::Variables { names }),
            r#"it fails
= not in the environment: API_KEY, POSTGRES_HOST, B_DATABASE_URL, BROKER_URL. Of yours, only PATH, HOME, LANG and TMPDIR reach the service
? write into services/a.toml, below [env]: API_KEY = "<value>"
? write into services/a.toml, below [env]: POSTGRES_HOST = "{database_host}"
? if it takes the database's URL, write into services/a.toml: database_url_env = ["A_DATABASE_URL", "B_DATABASE_URL"]
? write into services/a.toml, below [env]: BROKER_URL = "<value>""#
        );
    }

    #[test]
    fn a_module_of_the_monorepo() {
        let need = |place: &str| Need::Module {
            name: "shared.models".to_owned(),
            found: vec![PathBuf::from(place)],
        };
        let mut service = service();
        assert_eq!(
            of(&service, &need("/root/libs")),
            r#"it fails
= shared.models is in libs
? write into services/a.toml, below [env]: PYTHONPATH = "{root}/libs"
? or into alembic.ini, so that alembic itself finds it too: prepend_sys_path = ../libs"#
        );
        service
            .env
            .insert("PYTHONPATH".to_owned(), "{root}/b".to_owned());
        let told = of(&service, &need("/root"));
        assert!(
            told.contains("PYTHONPATH = \"{root}/b:{root}\"\n"),
            "{told}"
        );
        assert!(told.contains("is in the root of the manifest\n"), "{told}");
        let told = of(&service, &need("/root/a"));
        assert!(told.ends_with("prepend_sys_path = ."), "{told}");
    }

    #[test]
    fn a_driver_that_sqlalchemy_does_not_know() {
        let mut service = service();
        service.driver = "psycopg".to_owned();
        assert_eq!(
            of(
                &service,
                &Need::Dialect {
                    name: "postgresql.psycopg".to_owned()
                }
            ),
            r#"it fails
= SQLAlchemy names psycopg and psycopg_async from 2.0 on
? write the driver that the service uses into services/a.toml, driver = "psycopg2" for instance: the URL it is given has "psycopg""#
        );
    }

    #[test]
    fn a_package_of_another_name() {
        let need = |name: &str| Need::Module {
            name: name.to_owned(),
            found: Vec::new(),
        };
        let told = of(&service(), &need("pkg_resources"));
        assert!(
            told.contains("python3 -m pip install 'setuptools<81'\n"),
            "{told}"
        );
        let mut service = service();
        service.driver = "psycopg2".to_owned();
        let told = of(&service, &need("psycopg2"));
        let driver = "? where the service uses another driver, write it into services/a.toml: driver = \"<driver>\"\n";
        assert!(told.contains(driver), "{told}");
        assert!(told.contains("pip install psycopg2-binary\n"), "{told}");
    }

    #[test]
    fn a_package_that_is_not_installed() {
        let need = Need::Module {
            name: "redis.asyncio".to_owned(),
            found: Vec::new(),
        };
        assert_eq!(
            of(&service(), &need),
            r#"it fails
= the interpreter is python3, and nothing below the manifest's root is called redis.asyncio
? install what provides it: python3 -m pip install redis
? or, where the service has an interpreter of its own, write into services/a.toml: python = "<path>/bin/python""#
        );
    }
}
