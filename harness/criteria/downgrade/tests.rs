//! Tests of the findings about a downgrade that fails, or does not put everything back.
#![allow(clippy::unwrap_used)]

mod comes_with;
mod failing;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{CRITERION, condensed};
use crate::alembic::transcript::{Outcome, Transcript};
use crate::evidence::Evidence;
use crate::evidence::catalog::{Change, Object};
use crate::evidence::stairway::{FullDowngrade, RoundTrip, Stairway};
use crate::testing::{
    change, done, evidence, found, graph, object, place, raised, refused, service, text, transcript,
};

fn trip(id: &str) -> RoundTrip {
    RoundTrip {
        revision: id.to_owned(),
        up: transcript("upgrade", id),
        up_after_others: None,
        down: Some(transcript("downgrade", id)),
        left: Vec::new(),
        again: Some(transcript("upgrade", id)),
        lost: Vec::new(),
    }
}

/// Everything can be taken back.
fn walked() -> Evidence {
    let mut evidence = evidence();
    evidence.stairway = Some(Stairway {
        trips: vec![trip("r1"), trip("r2")],
        unreached: Vec::new(),
        full_downgrade: Some(FullDowngrade {
            down: transcript("downgrade base", "r2 r1"),
            stopped_at: None,
            left: Vec::new(),
            again: Some(transcript("upgrade head", "r1 r2")),
            lost: Vec::new(),
        }),
    });
    evidence
}

/// The findings where the last revision is walked otherwise.
fn of(walk: impl FnOnce(&mut RoundTrip)) -> String {
    let mut evidence = walked();
    walk(&mut evidence.stairway.as_mut().unwrap().trips[1]);
    found(&CRITERION, &evidence)
}

/// The same for the whole way down.
fn down_to_base(walk: impl FnOnce(&mut FullDowngrade)) -> String {
    let mut evidence = walked();
    walk(
        evidence
            .stairway
            .as_mut()
            .unwrap()
            .full_downgrade
            .as_mut()
            .unwrap(),
    );
    found(&CRITERION, &evidence)
}

fn left(kind: &str, name: &str, definition: &str) -> Change {
    change(None, Some(object(kind, name, definition)))
}

fn gone(kind: &str, name: &str, definition: &str) -> Change {
    change(Some(object(kind, name, definition)), None)
}

fn other(kind: &str, name: &str, before: &str, after: &str) -> Change {
    change(
        Some(object(kind, name, before)),
        Some(object(kind, name, after)),
    )
}

fn failing(transcript: &mut Transcript, class: &str, sqlstate: Option<&str>, message: &str) {
    transcript.outcome = Outcome::Raised(raised(class, sqlstate, message));
    transcript.steps.last_mut().unwrap().seconds = None;
}

#[rstest]
#[case::left(
    left("enum type", "status", "a, b"),
    "CREATE TYPE status AS ENUM ('a', 'b')",
    "SELECT 1",
    r#"the downgrade of revision r2 leaves enum type public.status behind
-> r2.py:10 of r2: enum type public.status: this is not undone
= left behind: enum type public.status
? in downgrade(): at the end, after the tables: op.execute("DROP TYPE status")"#
)]
#[case::removed(
    gone("column", "essays.title", "text"),
    "SELECT 1",
    "ALTER TABLE essays DROP COLUMN title",
    "the downgrade of revision r2 removes column public.essays.title, which was there before
-> r2.py:30 of r2: column public.essays.title: dropped here
= gone: column public.essays.title
? in downgrade(): leave column public.essays.title alone, it is older than this revision"
)]
#[case::other(
    other("column", "essays.title", "text", "text NOT NULL"),
    "ALTER TABLE essays ALTER COLUMN title SET NOT NULL",
    "SELECT 1",
    "the downgrade of revision r2 does not restore column public.essays.title
-> r2.py:10 of r2: column public.essays.title: this is not undone
= column public.essays.title: was `text`, is `text NOT NULL`
? in downgrade(): op.execute(\"ALTER TABLE essays ALTER COLUMN title DROP NOT NULL\")"
)]
fn one_object_is_not_as_before(
    #[case] change: Change,
    #[case] up: &str,
    #[case] down: &str,
    #[case] expected: &str,
) {
    let told = of(|trip| {
        trip.up.statements.push(done(1, Some(place("r2", 10)), up));
        trip.down
            .as_mut()
            .unwrap()
            .statements
            .push(done(2, Some(place("r2", 30)), down));
        trip.left = vec![change];
    });
    assert_eq!(told, expected);
}

#[test]
fn an_object_that_no_statement_names() {
    assert_eq!(
        of(|trip| trip.left = vec![left("sequence", "ids", "")]),
        r#"the downgrade of revision r2 leaves sequence public.ids behind
-> r2.py:1 of r2: this revision
= left behind: sequence public.ids
? in downgrade(): op.execute("DROP SEQUENCE ids")"#
    );
}

#[test]
fn what_is_left_is_undone_in_the_order_of_its_dependencies() {
    let told = of(|trip| {
        trip.up.statements.extend([
            done(1, Some(place("r2", 10)), "CREATE TYPE status AS ENUM ('a')"),
            done(2, Some(place("r2", 10)), "CREATE DOMAIN points AS int"),
            done(3, Some(place("r2", 12)), "CREATE TABLE essays (id int)"),
            done(4, Some(place("r2", 13)), "CREATE VIEW titles AS SELECT 1"),
            done(5, Some(place("r2", 14)), "CREATE FUNCTION f() RETURNS int"),
            done(6, Some(place("r2", 15)), "CREATE SEQUENCE ids"),
        ]);
        trip.left = vec![
            left("enum type", "status", ""),
            left("domain", "points", ""),
            left("table", "essays", ""),
            left("view", "titles", ""),
            left("function", "f()", ""),
            left("sequence", "ids", ""),
        ];
    });
    assert_eq!(
        told,
        r#"the downgrade of revision r2 leaves 6 objects other than before
-> r2.py:10 of r2: enum type public.status: this is not undone
-> r2.py:12 of r2: table public.essays: this is not undone
-> r2.py:13 of r2: view public.titles: this is not undone
-> r2.py:14 of r2: function public.f(): this is not undone
= left behind: enum type public.status
= left behind: domain public.points
= left behind: table public.essays
= left behind: view public.titles
= left behind: function public.f()
= left behind: sequence public.ids
? in downgrade(): op.execute("DROP VIEW titles")
? in downgrade(): op.drop_table("essays")
? in downgrade(): op.execute("DROP FUNCTION f()")
? in downgrade(): op.execute("DROP SEQUENCE ids")
? in downgrade(): at the end, after the tables: op.execute("DROP DOMAIN points")
? in downgrade(): at the end, after the tables: op.execute("DROP TYPE status")"#
    );
}

#[test]
fn only_the_first_objects_are_listed() {
    let told = of(|trip| {
        trip.left = (1..=9)
            .map(|n| left("sequence", &format!("s{n}"), ""))
            .collect()
    });
    assert_eq!(told.matches("= left behind: ").count(), 8, "{told}");
    assert!(told.contains("\n= and 1 more\n"), "{told}");
}

#[rstest]
#[case::python(
    "ValueError",
    None,
    "once is enough",
    "? look for what the first upgrade left outside of the catalog: rows, or state in the module"
)]
#[case::rows(
    "IntegrityError",
    Some("23505"),
    "once is enough",
    "? let downgrade() delete the rows that upgrade() inserts"
)]
fn an_upgrade_that_does_not_work_again(
    #[case] class: &str,
    #[case] sqlstate: Option<&str>,
    #[case] message: &str,
    #[case] advice: &str,
) {
    let told = of(|trip| failing(trip.again.as_mut().unwrap(), class, sqlstate, message));
    assert_eq!(
        told,
        format!(
            "revision r2 cannot be upgraded again after its downgrade: {class}: once is enough
-> r2.py:1 of r2: here, the second time
= the downgrade itself succeeded and restored the catalog, which is all but rows
{advice}"
        )
    );
}

#[test]
fn an_upgrade_that_alembic_itself_refuses() {
    let told = of(|trip| {
        let again = trip.again.as_mut().unwrap();
        again.steps.clear();
        let message = "Requested revision r2 overlaps with other requested revisions r1";
        again.outcome = Outcome::Raised(raised("CommandError", None, message));
    });
    assert!(
        told.contains("\n= Alembic refuses before any revision runs"),
        "{told}"
    );
    assert!(
        told.ends_with("use a newer one") && !told.contains("rows that upgrade"),
        "{told}"
    );
}

#[test]
fn an_upgrade_that_meets_what_lower_revisions_left() {
    let told = of(|trip| {
        let mut up_after_others = trip.up.clone();
        failing(
            &mut up_after_others,
            "IntegrityError",
            Some("23505"),
            "could not create unique index",
        );
        trip.up_after_others = Some(up_after_others);
    });
    assert_eq!(told, "revision r2 cannot be upgraded where the revisions below it went down and up again: IntegrityError: could not create unique index
-> r2.py:1 of r2: here
= on a fresh database it can, and the catalog is the same: a revision below leaves rows behind, or inserts them a second time
? let the downgrade() of the revision that inserts the rows delete them");
}

#[test]
fn what_was_not_tried_is_said() {
    let mut evidence = walked();
    evidence.history.graph = graph("r1 r2:r1 r3:r2 r4:r3");
    evidence.migrated.as_mut().unwrap().upgrade = transcript("upgrade head", "r1 r2 r3 r4");
    let trips = &mut evidence.stairway.as_mut().unwrap().trips;
    trips[1].left = vec![left("sequence", "ids", "")];
    let told = found(&CRITERION, &evidence);
    assert!(
        told.contains("\n= not tried, because no upgrade reached it or time was up: r3, r4\n"),
        "{told}"
    );
}

#[test]
fn an_upgrade_that_builds_something_else_again() {
    assert_eq!(
        of(|trip| trip.lost = vec![other("column", "a.b", "text", "integer")]),
        "revision r2 builds something else the second time
-> r2.py:1 of r2: this revision: upgrade, downgrade, upgrade
= column public.a.b: was `text`, is `integer`
? let downgrade() undo exactly what upgrade() does"
    );
}

#[test]
fn only_the_first_revisions_are_shown_in_full() {
    let mut evidence = walked();
    evidence.history.graph = graph("r1 r2:r1 r3:r2 r4:r3 r5:r4 r6:r5 r7:r6 r8:r7");
    let ids = "r1 r2 r3 r4 r5 r6 r7 r8";
    evidence.migrated.as_mut().unwrap().upgrade = transcript("upgrade head", ids);
    let stairway = evidence.stairway.as_mut().unwrap();
    stairway.trips = ids.split(' ').map(trip).collect();
    for trip in &mut stairway.trips {
        trip.left = vec![left("sequence", "ids", "")];
    }
    let told = found(&CRITERION, &evidence);
    let last = told.rsplit("\n\n").next().unwrap();
    assert_eq!(told.split("\n\n").count(), 7);
    assert_eq!(
        last,
        "2 more revisions are not taken back
= the downgrade of revision r7 leaves sequence public.ids behind
= the downgrade of revision r8 leaves sequence public.ids behind
? mend those above first: each run shows the next ones in full"
    );
}

#[test]
fn a_whole_way_down_that_fails() {
    assert_eq!(
        down_to_base(|full_downgrade| failing(
            &mut full_downgrade.down,
            "ValueError",
            None,
            "no way down"
        )),
        "`alembic downgrade base` from the head fails: ValueError: no way down
-> r1.py:1 of r1: here
= each revision alone can be taken back; one after the other in one context they cannot"
    );
}

#[test]
fn something_at_the_bottom() {
    assert_eq!(
        down_to_base(|full_downgrade| full_downgrade.left = vec![left("table", "essays", "")]),
        "`alembic downgrade base` leaves something behind
= left behind: table public.essays"
    );
}

#[test]
fn no_way_up_again() {
    let told = down_to_base(|full_downgrade| {
        failing(
            full_downgrade.again.as_mut().unwrap(),
            "ValueError",
            None,
            "no",
        )
    });
    assert_eq!(
        told,
        "`alembic upgrade head` fails after `alembic downgrade base`: ValueError: no
-> r2.py:1 of r2: here"
    );
}

#[test]
fn another_database_after_the_way_down() {
    assert_eq!(
        down_to_base(|full_downgrade| full_downgrade.lost = vec![gone("index", "ix", "ON a (b)")]),
        "after `alembic downgrade base`, `alembic upgrade head` builds another database
= gone: index public.ix
? compare with the first upgrade; the service is a"
    );
}

#[test]
fn what_a_green_result_adds() {
    let mut service = service();
    service
        .one_way
        .insert("r1".to_owned(), "data is gone".to_owned());
    let mut evidence = walked();
    let stairway = evidence.stairway.as_mut().unwrap();
    failing(
        stairway.trips[0].down.as_mut().unwrap(),
        "NotImplementedError",
        None,
        "",
    );
    stairway.trips[1].left = vec![left("extension", "citext", "")];
    stairway.full_downgrade.as_mut().unwrap().stopped_at = Some("r1".to_owned());
    assert_eq!(
        text(&CRITERION.verdict(&service, &evidence)),
        "pass
revision r1 is one-way: data is gone
the way down stopped at the one-way revision r1
extension public.citext stays after a downgrade"
    );
    service
        .one_way
        .insert("r0".to_owned(), "data is gone".to_owned());
    service
        .one_way
        .insert("r2".to_owned(), "data is gone".to_owned());
    assert_eq!(
        text(&CRITERION.verdict(&service, &evidence)),
        r#"revision r0 is declared one-way, but there is no such revision
? remove the line "r0" below [downgrade.one_way] in services/a.toml

revision r2 is declared one-way, but its downgrade puts everything back
? remove the line "r2" below [downgrade.one_way] in services/a.toml"#
    );
}

#[rstest]
#[case::not_at_all(|stairway: &mut Stairway| { stairway.trips.remove(0); }, "r1")]
#[case::not_down(|stairway: &mut Stairway| stairway.trips[0].down = None, "r1")]
#[case::not_up_again(|stairway: &mut Stairway| stairway.trips[1].again = None, "r2")]
fn a_revision_that_was_not_walked(#[case] take: fn(&mut Stairway), #[case] revision: &str) {
    let mut evidence = walked();
    take(evidence.stairway.as_mut().unwrap());
    let told = format!(
        "blocked by evidence: the walk over revision {revision} is missing, so nothing was judged"
    );
    assert_eq!(found(&CRITERION, &evidence), told);
}
