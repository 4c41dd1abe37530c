//! Downgrades that do not get to their end.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn a_downgrade_that_postgresql_refuses() {
    let told = of(|trip| {
        let down = trip.down.as_mut().unwrap();
        failing(
            down,
            "InternalError",
            Some("2BP01"),
            "(psycopg.errors.Depends) cannot drop type status",
        );
        down.statements.push(refused(
            9,
            Some(place("r2", 30)),
            "DROP TYPE status",
            "2BP01",
            "cannot drop",
        ));
    });
    assert_eq!(
        told,
        r#"revision r2 cannot be downgraded: Depends: cannot drop type status
-> r2.py:30 of r2: here
= postgresql: 2BP01 cannot drop type status
? drop what depends on it first: downgrade() undoes upgrade() in reverse order
? or, where nothing can put it back, write into services/a.toml, below [downgrade.one_way]: "r2" = "<reason>""#
    );
}

#[test]
fn a_revision_without_a_downgrade() {
    let told = of(unwritten);
    assert_eq!(
        told,
        r#"revision r2 has no downgrade()
-> r2.py:1 of r2: this revision
? write the downgrade
? or, where nothing can put it back, write into services/a.toml, below [downgrade.one_way]: "r2" = "<reason>""#
    );
}

#[test]
fn a_service_without_any_downgrade() {
    let mut evidence = walked();
    evidence
        .stairway
        .as_mut()
        .unwrap()
        .trips
        .iter_mut()
        .for_each(unwritten);
    assert_eq!(
        found(&CRITERION, &evidence),
        r#"2 revisions have no downgrade()
-> r1.py:1 of r1: this revision
-> r2.py:1 of r2: this revision
= without one: r1, r2
? write the downgrade
? or, where the service is never taken back, write into services/a.toml, below [not_applicable]: downgrade = "<reason>"
? or, where nothing can put them back, write into services/a.toml, below [downgrade.one_way]:
"r1" = "<reason>"
"r2" = "<reason>""#
    );
}

fn unwritten(trip: &mut RoundTrip) {
    let down = trip.down.as_mut().unwrap();
    failing(
        down,
        "AttributeError",
        None,
        "module has no attribute 'downgrade'",
    );
    down.steps.last_mut().unwrap().is_unwritten = true;
    trip.again = None;
}

#[test]
fn a_downgrade_that_goes_on_after_a_refusal() {
    let told = of(|trip| {
        let down = trip.down.as_mut().unwrap();
        failing(
            down,
            "InternalError",
            Some("25P02"),
            "(psycopg2.errors.InFailedSqlTransaction) current transaction is aborted",
        );
        let late = "current transaction is aborted";
        for (number, sql, state, message) in [
            (
                9,
                "SELECT tables.uuid FROM tables",
                "42703",
                "column tables.uuid does not exist",
            ),
            (10, "ALTER TABLE tables", "25P02", late),
        ] {
            let at = Some(place("r2", 30 + u32::try_from(number).unwrap()));
            down.statements
                .push(refused(number, at, sql, state, message));
        }
    });
    assert_eq!(
        told,
        r#"revision r2 cannot be downgraded: column tables.uuid does not exist
-> r2.py:39 of r2: here
= postgresql: 25P02 current transaction is aborted
= the transaction was aborted before, and Python went on: column tables.uuid does not exist
= the statement: SELECT tables.uuid FROM tables
? downgrade() names something that is not there: compare it with the name that upgrade() gives
? or, where nothing can put it back, write into services/a.toml, below [downgrade.one_way]: "r2" = "<reason>""#
    );
}

#[test]
fn a_downgrade_that_takes_too_long() {
    let told = of(|trip| {
        trip.down.as_mut().unwrap().outcome = Outcome::TimedOut {
            limit: 3.0,
            python: Vec::new(),
            database: vec!["active: DROP TABLE essays".to_owned()],
            waits: Vec::new(),
        };
    });
    assert_eq!(
        told,
        r#"revision r2 cannot be downgraded: it took longer than 3 s
= postgresql: active: DROP TABLE essays
? let downgrade() undo, in reverse, what upgrade() does
? or, where nothing can put it back, write into services/a.toml, below [downgrade.one_way]: "r2" = "<reason>""#
    );
}

#[test]
fn a_downgrade_that_ends_the_interpreter() {
    let told = of(|trip| {
        trip.down.as_mut().unwrap().outcome = Outcome::Ended {
            how: "exited with status 3".to_owned(),
            output: Vec::new(),
        };
    });
    assert_eq!(
        told.lines().next().unwrap(),
        "revision r2 cannot be downgraded: Python exited with status 3"
    );
}
