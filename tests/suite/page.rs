//! The page of a report: what is said on it, and what a browser makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use migration_harness::report::data::{
    Case, Criterion, Finding, History, Outcome, Report, Revision, SCHEMA, Service, VERSION,
};
use migration_harness::report::{join, page, record};
use pretty_assertions::assert_eq;

use crate::judge::{judge, repository};

const HOSTILE: &str = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>\" '";

fn case(criterion: &str, service: &str, outcome: Outcome) -> Case {
    let red = outcome.is_red();
    Case {
        criterion: criterion.to_owned(),
        service: service.to_owned(),
        outcome,
        seconds: 0.1,
        summary: if red {
            HOSTILE.to_owned()
        } else {
            String::new()
        },
        text: if red {
            format!("error[{criterion}]: {HOSTILE}")
        } else {
            String::new()
        },
        notes: vec![HOSTILE.to_owned()],
        findings: Vec::new(),
        blocked_by: None,
        explanation: None,
        about: format!("docs/criteria/{criterion}.md"),
        rerun: format!("cargo test --test services -- {criterion}::{service}"),
        commands: Vec::new(),
        manifest: format!("services-manifest/services/{service}.toml"),
    }
}

fn service(name: &str, revisions: usize) -> Service {
    let revision = |number: usize| Revision {
        id: format!("{number:04}"),
        down_revisions: number
            .checked_sub(1)
            .map(|down| format!("{down:04}"))
            .into_iter()
            .collect(),
        message: Some(HOSTILE.to_owned()),
        one_way: (number == 1).then(|| HOSTILE.to_owned()),
        ..Revision::default()
    };
    Service {
        name: name.to_owned(),
        history: Some(History {
            revisions: (0..revisions).map(revision).collect(),
            unread: Vec::new(),
        }),
        ..Service::default()
    }
}

pub fn broken() -> PathBuf {
    repository().join("tests/broken/services-manifest")
}

/// As many services as asked for, of which the first has something in every state.
pub fn built(services: usize) -> Report {
    let criteria = ["single_head", "upgrade_head", "enum_types", "downgrade"];
    let outcomes = [
        Outcome::Failed,
        Outcome::Blocked,
        Outcome::Error,
        Outcome::NotJudged,
    ];
    let names: Vec<String> = (0..services)
        .map(|number| format!("service_{number:03}"))
        .collect();
    let mut cases = Vec::new();
    for (number, name) in names.iter().enumerate() {
        for (criterion, outcome) in criteria.into_iter().zip(outcomes) {
            cases.push(case(
                criterion,
                name,
                if number == 0 {
                    outcome
                } else {
                    Outcome::Passed
                },
            ));
        }
    }
    let described = criteria.map(|id| Criterion {
        id: id.to_owned(),
        asserts: HOSTILE.to_owned(),
        why: String::new(),
        remedy: String::new(),
    });
    Report {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        harness: "0.0.0".to_owned(),
        runs: Vec::new(),
        criteria: described.to_vec(),
        services: names.iter().map(|name| service(name, 5)).collect(),
        cases,
        absent: Vec::new(),
    }
    .in_order()
}

#[test]
fn whatever_a_service_says_is_text() {
    let mut report = built(2);
    report.services[0].name = HOSTILE.to_owned();
    report
        .cases
        .iter_mut()
        .for_each(|case| case.service = HOSTILE.to_owned());
    let html = page::html(&report);
    assert!(html.contains("&lt;script&gt;document.title"));
    assert_eq!(html.matches("<script").count(), 1, "only the page's own");
    assert!(!html.contains("<img"));
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn the_page_names_every_state_in_words_and_asks_for_nothing_from_elsewhere() {
    let html = page::html(&built(3));
    for words in [
        "failed",
        "blocked",
        "harness error",
        "not judged",
        "passed",
        "1 case not judged.",
    ] {
        assert!(html.contains(words), "{words}");
    }
    for wanted in [
        "<th scope=\"col\"",
        "<th scope=\"row\"",
        "<desc id=",
        "<main>",
        "lang=\"en\"",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    for elsewhere in [
        "src=\"http",
        "href=\"http",
        "@import",
        "url(http",
        "<link rel=\"stylesheet",
    ] {
        assert!(!html.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn a_red_case_links_the_page_about_its_criterion_where_that_has_an_address() {
    let mut report = built(2);
    let linked =
        |report: &Report| page::html(report).contains("<a href=\"https://example.com/about\">");
    assert!(!linked(&report));
    for case in &mut report.cases {
        case.about = "https://example.com/about".to_owned();
    }
    assert!(linked(&report));
}

#[test]
fn what_is_not_there_is_never_passed() {
    let mut report = built(2);
    report
        .cases
        .retain(|case| case.name() != "single_head::service_001");
    let report = report.in_order();
    assert_eq!(report.absent, ["single_head::service_001"]);
    let html = page::html(&report);
    assert!(
        html.contains("1 case of the manifest were not selected")
            || html.contains("of the manifest")
    );
    assert!(!html.contains("id=\"case-single_head--service_001\""));
}

/// The texts between two others, one after the other.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(end)?.0))
        .collect()
}

/// Makes a harness error of some cases.
fn err(report: &mut Report, cases: &[&str], title: &str) {
    for case in report
        .cases
        .iter_mut()
        .filter(|case| cases.contains(&case.name().as_str()))
    {
        case.outcome = Outcome::Error;
        case.summary = title.to_owned();
        case.text = format!("harness error[postgres]: {title}\n = rerun: {}", case.rerun);
        case.commands = vec![case.rerun.clone()];
        case.findings = vec![Finding {
            title: title.to_owned(),
            places: Vec::new(),
            expected: None,
            found: None,
            changed: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            accepted_by: Vec::new(),
        }];
    }
}

#[test]
fn a_harness_error_is_laid_out_once_and_pointed_to() {
    let mut report = built(4);
    let shared = [
        "upgrade_head::service_001",
        "downgrade::service_001",
        "downgrade::service_003",
    ];
    err(&mut report, &shared, "no server");
    err(&mut report, &["single_head::service_003"], "no interpreter");
    let html = page::html(&report);
    let texts: Vec<&str> = between(&html, "<pre", "</pre>");
    let laid_out = |title: &str| texts.iter().filter(|text| text.contains(title)).count();
    assert_eq!((laid_out("no server"), laid_out("no interpreter")), (1, 1));
    let first = "<a href=\"#case-upgrade_head--service_001\">service_001: upgrade_head</a>";
    assert_eq!(
        html.matches(&format!("The same harness error as for {first}"))
            .count(),
        2
    );
    let red = between(&html, "<ul class=\"red-list\">", "</ul>")[0];
    assert_eq!(red.matches("no server").count(), 1);
    assert!(
        red.contains("<li data-service=\"service_001\nservice_003\">"),
        "{red}"
    );
    assert!(
        red.contains("(keeps 2 more cases from being judged)"),
        "{red}"
    );
    // What is not laid out can be judged again all the same.
    for name in shared {
        let rerun = format!("<code class=\"command\">cargo test --test services -- {name}</code>");
        assert!(html.contains(&rerun), "{name}");
    }
}

#[test]
fn red_services_come_first_and_the_others_stay_in_their_order() {
    let mut report = built(5);
    err(&mut report, &["downgrade::service_003"], "no server");
    let html = page::html(&report);
    let order = [
        "service_000",
        "service_003",
        "service_001",
        "service_002",
        "service_004",
    ];
    assert_eq!(between(&html, "<tr data-service=\"", "\""), order);
    assert_eq!(
        between(&html, "<details class=\"service\" id=\"service-", "\""),
        order
    );
    // Programs find them by name.
    let names: Vec<&str> = report
        .services
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert!(names.is_sorted());
}

/// The names of the page's landmarks: sections and regions.
fn landmarks(html: &str) -> Vec<String> {
    let titled = |id: &&str| between(html, &format!("id=\"{id}\">"), "<")[0].to_owned();
    let sections = between(html, "<section", ">");
    let titles = sections
        .iter()
        .flat_map(|tag| between(tag, "aria-labelledby=\"", "\""));
    let named: Vec<String> = titles.map(|id| titled(&id)).collect();
    assert_eq!(named.len(), sections.len(), "each section has a name");
    let regions = html.matches("role=\"region\"").count();
    let labels = between(html, "role=\"region\" aria-label=\"", "\"");
    assert_eq!(labels.len(), regions, "each region has a name");
    named
        .into_iter()
        .chain(labels.into_iter().map(str::to_owned))
        .collect()
}

#[test]
fn landmarks_are_named_and_no_two_alike() {
    let directory = tempfile::tempdir().unwrap();
    let services = "outbox_index_column_order downgrade_leaves_enum_type";
    let variables = [
        ("ONLY", services),
        ("REPORT_DIR", directory.path().to_str().unwrap()),
    ];
    judge(&broken(), &[], &variables);
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    let names = landmarks(&html);
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn what_is_to_be_typed_can_be_copied() {
    let directory = tempfile::tempdir().unwrap();
    let services = "two_heads_in_class_management schema_column_dropped prepare_refused";
    let variables = [
        ("ONLY", services),
        ("REPORT_DIR", directory.path().to_str().unwrap()),
    ];
    let judged = judge(&broken(), &[], &variables);
    let report = join::load(directory.path()).unwrap();
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    let marked = between(&html, "<code class=\"command\">", "</code>");
    for case in report.cases.iter().filter(|case| case.outcome.is_red()) {
        assert!(case.commands.contains(&case.rerun), "{}", case.name());
        for command in &case.commands {
            assert!(case.text.contains(command), "{command}\n{}", case.text);
            let escaped = command.replace('"', "&quot;");
            assert!(
                marked.contains(&escaped.as_str()),
                "{command}\n{}",
                judged.all()
            );
        }
    }
    for begins in ["alembic merge -m ", "SERVICES_MANIFEST="] {
        assert!(
            marked.iter().any(|command| command.starts_with(begins)),
            "{marked:?}"
        );
    }
    assert!(
        marked
            .iter()
            .any(|command| command.contains("UPDATE_SCHEMAS=1 ")),
        "{marked:?}"
    );
    assert_eq!(
        html.matches("harness error[postgres]").count(),
        1,
        "laid out once"
    );
}

/// Opens a page in Chromium; `None` where there is no Chromium.
fn browse(page: &Path) -> Option<(String, String)> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|program| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
        });
    let Some(program) = found else {
        assert!(
            std::env::var("CI").is_err(),
            "in CI there must be a browser: apt-get install chromium"
        );
        println!("not run: no chromium");
        return None;
    };
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--enable-logging=stderr",
        ])
        .args([
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ])
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((text(&output.stdout), text(&output.stderr)))
}

#[test]
fn a_browser_shows_the_page() {
    let directory = tempfile::tempdir().unwrap();
    record::write_report(directory.path(), &built(100)).unwrap();
    let Some((dom, log)) = browse(&directory.path().join("index.html")) else {
        return;
    };
    // Set last by the page's script, which a wrong hash in the policy would stop.
    assert!(dom.contains("data-ready=\"100\""), "{log}");
    assert_eq!(dom.matches("<tr data-service=").count(), 100);
    assert!(
        !dom.contains("<form class=\"filter\" role=\"search\" hidden"),
        "the filter is shown"
    );
    assert!(
        dom.contains("<title>4 of 400 cases red"),
        "no service's script ran"
    );
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert_eq!(complaints, Vec::<&str>::new());
}

/// A page that shows another one in a frame as wide as a phone (a window has a least
/// width), opens all of it, and puts into its title how wide the frame is, by how much
/// the page is wider, and how many commands and buttons it has.
fn on_a_phone(html: &str) -> String {
    let html = html.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        "<iframe width=390 height=844 style=\"border: 0\" srcdoc=\"{html}\" onload=\"
           const shown = contentDocument, root = shown.documentElement;
           shown.querySelectorAll('details').forEach((one) => {{ one.open = true; }});
           const count = (what) => shown.querySelectorAll(what).length;
           document.title = [contentWindow.innerWidth, root.scrollWidth - root.clientWidth, count('.command'), count('button.copy')].join(' ');
         \"></iframe>"
    )
}

#[test]
fn a_phone_shows_the_page_without_scrolling_sideways() {
    let directory = tempfile::tempdir().unwrap();
    let services = "outbox_index_column_order two_heads_in_class_management prepare_refused";
    let variables = [
        ("ONLY", services),
        ("REPORT_DIR", directory.path().to_str().unwrap()),
    ];
    judge(&broken(), &[], &variables);
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    let phone = directory.path().join("phone.html");
    fs::write(&phone, on_a_phone(&html)).unwrap();
    let Some((dom, log)) = browse(&phone) else {
        return;
    };
    let commands = html.matches("<code class=\"command\">").count();
    assert!(commands > 4, "{html}");
    let expected = format!("390 0 {commands} {commands}");
    assert_eq!(between(&dom, "<title>", "</title>"), [expected], "{log}");
}
