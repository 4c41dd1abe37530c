//! The things that `env.py` asks of whoever runs it: arguments of `-x`, and what stands on Alembic's
//! configuration.

use crate::criteria::Finding;
use crate::manifest::Service;

/// The beginning of advice about what may not be the cause.
const PERHAPS: &str = "if that is why: ";

/// The arguments that it looked for.
pub fn arguments(
    service: &Service,
    names: &[String],
    is_certain: bool,
    finding: Finding,
) -> Finding {
    let asked: Vec<String> = names.iter().map(|name| format!("-x {name}")).collect();
    finding
        .note(format!(
            "env.py asks for {}, which it is not given",
            asked.join(" and ")
        ))
        .help(format!(
            "{}{}",
            perhaps(is_certain),
            service.x_advice(names)
        ))
}

/// The thing that a program puts on the configuration.
pub fn configuration(
    service: &Service,
    expression: &str,
    instead: &str,
    is_certain: bool,
    finding: Finding,
) -> Finding {
    finding
        .note(format!(
            "env.py reads {expression}, which a program that runs Alembic's commands by itself puts there: the `alembic` command does not"
        ))
        .help(format!(
            "{}let env.py go on without it, as {instead} is None then: make an engine of config.get_main_option(\"sqlalchemy.url\")",
            perhaps(is_certain)
        ))
        .help(format!(
            "or, where env.py is to stay as it is, write an ini file with an env.py that puts it there and ends with \
             runpy.run_path(\"<path>/env.py\"), and with the version_locations of the other: alembic_ini in {} names it",
            service.file.display()
        ))
}

fn perhaps(is_certain: bool) -> &'static str {
    match is_certain {
        true => "",
        false => PERHAPS,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::testing::{finding_text, service};

    #[test]
    fn arguments_of_x() {
        let mut service = service();
        let names = ["db_url".to_owned(), "region".to_owned()];
        let of = |service: &Service| {
            finding_text(&arguments(service, &names, true, Finding::new("it fails")))
        };
        assert_eq!(
            of(&service),
            r#"it fails
= env.py asks for -x db_url and -x region, which it is not given
? write into services/a.toml, below [alembic]: x = { db_url = "{database_url}", region = "<value>" }"#
        );
        service
            .x
            .insert("tenant".to_owned(), vec!["acme".to_owned()]);
        let told = of(&service);
        assert!(
            told.ends_with(r#"? write into services/a.toml, into x below [alembic]: db_url = "{database_url}", region = "<value>""#),
            "{told}"
        );
    }

    #[test]
    fn a_program_that_runs_alembic() {
        let finding = Finding::new("it fails");
        let finding = configuration(
            &service(),
            "config.app",
            "getattr(config, \"app\", None)",
            true,
            finding,
        );
        assert_eq!(
            finding_text(&finding),
            r#"it fails
= env.py reads config.app, which a program that runs Alembic's commands by itself puts there: the `alembic` command does not
? let env.py go on without it, as getattr(config, "app", None) is None then: make an engine of config.get_main_option("sqlalchemy.url")
? or, where env.py is to stay as it is, write an ini file with an env.py that puts it there and ends with runpy.run_path("<path>/env.py"), and with the version_locations of the other: alembic_ini in services/a.toml names it"#
        );
    }
}
