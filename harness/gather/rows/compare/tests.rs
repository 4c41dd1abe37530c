use pretty_assertions::assert_eq;
use rstest::rstest;

use super::*;

/// A table `t` of these columns (`name type`) and rows, whose key is the first column;
/// `-` is NULL.
fn contents(columns: &[(i16, &str)], rows: &[&str]) -> Contents {
    let column = |(number, text): &(i16, &str)| {
        let (name, data_type) = text.split_once(' ').unwrap_or((text, "text"));
        let column = Column {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
        };
        (*number, column)
    };
    let value = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
    let table = Table {
        text: "public.t".to_owned(),
        schema: "public".to_owned(),
        name: "t".to_owned(),
        key: vec![1],
        columns: columns.iter().map(column).collect(),
        rows: rows
            .iter()
            .map(|row| row.split('|').map(value).collect())
            .collect(),
        ..Table::default()
    };
    Contents {
        tables: [(7, table)].into(),
    }
}

fn compared(before: &Contents, after: &Contents, statement: &str) -> Vec<AlteredValues> {
    altered(before, after, &Meant::by([statement].into_iter())).altered
}

const BEFORE: &[&str] = &["1|mail one|new", "2|mail two|new", "3|-|done"];

fn before() -> Contents {
    contents(&[(1, "id integer"), (2, "mail"), (3, "state")], BEFORE)
}

#[rstest]
#[case::nothing(contents(&[(1, "id integer"), (2, "mail"), (3, "state")], BEFORE))]
#[case::another_order(contents(&[(1, "id integer"), (2, "mail"), (3, "state")], &[BEFORE[2], BEFORE[0], BEFORE[1]]))]
#[case::a_rename(contents(&[(1, "id integer"), (2, "address"), (3, "state")], BEFORE))]
#[case::a_new_column(contents(&[(1, "id integer"), (2, "mail"), (3, "state"), (4, "note")], &["1|mail one|new|x", "2|mail two|new|x", "3|-|done|x"]))]
#[case::a_new_row(contents(&[(1, "id integer"), (2, "mail"), (3, "state")], &[BEFORE[0], BEFORE[1], BEFORE[2], "4|x|x"]))]
#[case::new_keys(contents(&[(1, "id uuid"), (2, "mail"), (3, "state")], &["a|mail one|new", "b|mail two|new", "c|-|done"]))]
#[case::moved_to_another_column(contents(&[(1, "id integer"), (3, "state"), (9, "contact")], &["1|new|mail one", "2|new|mail two", "3|done|-"]))]
fn nothing_is_lost_by(#[case] after: Contents) {
    let found = compared(&before(), &after, "");
    let found: Vec<_> = found
        .iter()
        .filter(|one| one.column.as_deref() != Some("id"))
        .collect();
    assert_eq!(found, Vec::<&AlteredValues>::new());
}

#[test]
fn a_column_that_is_gone_takes_its_values_along() {
    let after = contents(
        &[(1, "id integer"), (3, "state")],
        &["1|new", "2|new", "3|done"],
    );
    let found = compared(&before(), &after, "ALTER TABLE t DROP COLUMN mail");
    let [lost] = found.as_slice() else {
        unreachable!("{found:?}");
    };
    assert_eq!(
        (lost.how.clone(), lost.rows, lost.of),
        (How::ColumnGone, 2, 3)
    );
    assert_eq!(lost.example, (Some("mail one".to_owned()), None));
    // Too short to be found again elsewhere: each of its values counts.
    let after = contents(
        &[(1, "id integer"), (2, "mail")],
        &["1|mail one", "2|mail two", "3|-"],
    );
    let found = compared(&before(), &after, "ALTER TABLE t DROP COLUMN state");
    assert_eq!(found[0].rows, 3);
}

#[test]
fn a_table_that_is_gone_is_lost_unless_its_values_are_elsewhere() {
    let found = compared(&before(), &Contents::default(), "DROP TABLE t");
    assert_eq!((found[0].how.clone(), found.len()), (How::TableGone, 1));
    let mut elsewhere = contents(
        &[(1, "id integer"), (2, "mail"), (3, "state")],
        &["1001|mail one|new", "1002|mail two|new", "1003|-|done"],
    );
    let before = elsewhere.clone();
    let table = elsewhere.tables.remove(&7).unwrap_or_default();
    elsewhere.tables.insert(8, table);
    let found = compared(&before, &elsewhere, "DROP TABLE t");
    assert_eq!(found, Vec::new());
    if let Some(table) = elsewhere.tables.get_mut(&8) {
        table
            .rows
            .iter_mut()
            .for_each(|row| row[2] = Some("old".to_owned()));
    }
    let found = compared(&before, &elsewhere, "DROP TABLE t");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].column.as_deref(), Some("state"));
}

#[rstest]
#[case::a_delete("DELETE FROM t WHERE state = 'done'", true)]
#[case::of_another_table("DELETE FROM u", false)]
#[case::an_update("UPDATE t SET mail = ''", false)]
fn rows_that_a_statement_removes_are_meant(#[case] statement: &str, #[case] is_meant: bool) {
    let after = contents(
        &[(1, "id integer"), (2, "mail"), (3, "state")],
        &BEFORE[..2],
    );
    let found = compared(&before(), &after, statement);
    assert_eq!((found[0].how.clone(), found[0].rows), (How::RowsGone, 1));
    assert_eq!(found[0].is_meant, is_meant);
}

#[test]
fn a_table_without_rows_is_asked_about_whatever_a_statement_says() {
    let after = contents(&[(1, "id integer"), (2, "mail"), (3, "state")], &[]);
    let found = compared(&before(), &after, "DELETE FROM t");
    assert_eq!(
        (found[0].how.clone(), found[0].is_meant),
        (How::Emptied, false)
    );
}

#[rstest]
#[case::that_column("UPDATE t SET mail = lower(mail)", true)]
#[case::another_column("UPDATE t SET state = 'old'", false)]
#[case::another_table("UPDATE u SET mail = ''", false)]
fn values_that_a_statement_sets_are_meant(#[case] statement: &str, #[case] is_meant: bool) {
    let after = contents(
        &[(1, "id integer"), (2, "mail"), (3, "state")],
        &["1|x|new", "2|mail two|new", "3|-|done"],
    );
    let found = compared(&before(), &after, statement);
    let [changed] = found.as_slice() else {
        unreachable!("{found:?}");
    };
    assert_eq!((changed.how.clone(), changed.rows), (How::Changed, 1));
    assert_eq!(changed.is_meant, is_meant);
}

#[rstest]
#[case::blanks_of_char("a character(5)", "a character(8)", "x", "x  ", true)]
#[case::blanks_of_text("a text", "a character varying(8)", "x", "x  ", false)]
#[case::json(
    "a json",
    "a jsonb",
    "{\"b\": 1, \"a\": [1]}",
    "{\"a\": [1], \"b\": 1}",
    true
)]
#[case::another_json("a json", "a jsonb", "{\"a\": 1}", "{\"a\": 2}", false)]
#[case::a_longer_integer("a integer", "a bigint", "12", "12", true)]
#[case::a_rounded_number("a numeric", "a integer", "1.50", "2", false)]
fn one_value_may_be_written_in_two_ways(
    #[case] old: &str,
    #[case] new: &str,
    #[case] was: &str,
    #[case] is: &str,
    #[case] are_one: bool,
) {
    let row = |value: &str| format!("1|{value}");
    let before = contents(&[(1, "id integer"), (2, old)], &[&row(was)]);
    let after = contents(&[(1, "id integer"), (2, new)], &[&row(is)]);
    let found = altered(&before, &after, &Meant::default());
    assert_eq!(found.altered.is_empty(), are_one, "{:?}", found.altered);
    // Only PostgreSQL knows whether a conversion can be taken back.
    let is_converted = old.split_once(' ') != new.split_once(' ');
    assert_eq!(found.conversions.is_empty(), are_one || !is_converted);
}
