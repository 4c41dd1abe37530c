//! Two commands of one walk, joined.

use pretty_assertions::assert_eq;

use super::{Event, Transcript};

/// A command that issued these statements, as one interpreter numbers them.
fn ran(statements: &[(u64, &str)]) -> Transcript {
    let mut transcript = Transcript::new("upgrade", "output.txt".into());
    for (number, sql) in statements {
        transcript.record(Event::Statement {
            number: *number,
            sql: (*sql).to_owned(),
            place: None,
            beside: false,
            session: None,
        });
    }
    transcript
}

fn numbers(transcript: &Transcript) -> Vec<u64> {
    transcript.statements.iter().map(|one| one.number).collect()
}

#[test]
fn statements_of_another_interpreter_go_on_where_the_last_one_ended() {
    let mut walked = ran(&[(1, "CREATE TABLE a ()"), (2, "CREATE TABLE b ()")]);
    walked.append(ran(&[(1, "CREATE TABLE c ()"), (2, "CREATE TABLE d ()")]));
    assert_eq!(numbers(&walked), [1, 2, 3, 4]);
}

#[test]
fn statements_of_the_same_interpreter_keep_their_numbers() {
    let mut walked = ran(&[(1, "CREATE TABLE a ()")]);
    walked.append(ran(&[(5, "CREATE TABLE b ()")]));
    assert_eq!(numbers(&walked), [1, 5]);
}
