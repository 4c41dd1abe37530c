//! Objects that were renamed, or seem to be.

use pretty_assertions::assert_eq;

use super::*;

#[rstest]
#[case(
    "table",
    "works",
    "essays",
    "ALTER TABLE works RENAME TO essays",
    r#"op.rename_table("essays", "works")"#,
    r#"op.execute("ALTER TABLE own.essays RENAME TO works")"#
)]
#[case(
    "column",
    "essays.name",
    "essays.title",
    "ALTER TABLE essays RENAME name TO title",
    r#"op.alter_column("essays", "title", new_column_name="name")"#,
    r#"op.alter_column("essays", "title", new_column_name="name")"#
)]
#[case(
    "constraint",
    "essays.k",
    "essays.key",
    "ALTER TABLE essays RENAME CONSTRAINT k TO key",
    r#"op.execute("ALTER TABLE essays RENAME CONSTRAINT key TO k")"#,
    r#"op.execute("ALTER TABLE own.essays RENAME CONSTRAINT key TO k")"#
)]
#[case(
    "enum type",
    "state",
    "status",
    "ALTER TYPE state RENAME TO status",
    r#"op.execute("ALTER TYPE status RENAME TO state")"#,
    r#"op.execute("ALTER TYPE own.status RENAME TO state")"#
)]
#[case(
    "sequence",
    "ids",
    "numbers",
    "ALTER SEQUENCE ids RENAME TO numbers",
    r#"op.execute("ALTER SEQUENCE numbers RENAME TO ids")"#,
    r#"op.execute("ALTER SEQUENCE own.numbers RENAME TO ids")"#
)]
fn what_was_renamed_gets_its_name_back(
    #[case] kind: &str,
    #[case] old: &str,
    #[case] new: &str,
    #[case] up: &str,
    #[case] expected: &str,
    #[case] elsewhere: &str,
) {
    let renamed = trip(up, "SELECT 1");
    let lines = |old: Object, new: Object| {
        let changes = [change(Some(old), None), change(None, Some(new))];
        let all: Vec<_> = changes.iter().collect();
        let lines = changes.iter().filter_map(|one| line(&renamed, one, &all));
        lines.collect::<Vec<_>>()
    };
    let (old, new) = (object(kind, old, ""), object(kind, new, ""));
    assert_eq!(
        lines(old.clone(), new.clone()),
        [format!("in downgrade(): {expected}")]
    );
    let moved = lines(in_schema("own", old), in_schema("own", new));
    assert_eq!(moved, [format!("in downgrade(): {elsewhere}")]);
}

#[rstest]
#[case::of_another_kind(
    object("view", "works", ""),
    object("table", "essays", ""),
    "ALTER TABLE works RENAME TO essays"
)]
#[case::in_another_schema(
    in_schema("own", object("table", "works", "")),
    object("table", "essays", ""),
    "ALTER TABLE works RENAME TO essays"
)]
#[case::from_another(
    object("table", "works", ""),
    object("table", "essays", ""),
    "ALTER TABLE papers RENAME TO essays"
)]
#[case::to_another(
    object("table", "works", ""),
    object("table", "essays", ""),
    "ALTER TABLE works RENAME TO papers"
)]
#[case::not_at_all(
    object("table", "works", ""),
    object("table", "essays", ""),
    "CREATE TABLE essays (id int)"
)]
fn what_was_not_renamed_is_dropped_and_made_again(
    #[case] old: Object,
    #[case] new: Object,
    #[case] up: &str,
) {
    let trip = trip(up, "SELECT 1");
    let changes = [change(Some(old.clone()), None), change(None, Some(new))];
    let all: Vec<_> = changes.iter().collect();
    let lines: Vec<_> = changes
        .iter()
        .filter_map(|one| line(&trip, one, &all))
        .collect();
    let made = format!("in downgrade(): create {} again, as it was", old.title());
    assert_eq!(
        lines,
        [made, "in downgrade(): op.drop_table(\"essays\")".to_owned()]
    );
}
