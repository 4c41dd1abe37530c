//! Objects that come and go with another one.

use pretty_assertions::assert_eq;

use super::*;

/// The rest of `changes`, by its name.
fn kept(changes: &[Change]) -> Vec<&str> {
    let objects = condensed(changes).into_iter().filter_map(Change::any);
    objects.map(|object| object.name.as_str()).collect()
}

fn elsewhere(change: Change) -> Change {
    let moved = |object: Option<Object>| {
        object.map(|object| Object {
            schema: Some("other".to_owned()),
            ..object
        })
    };
    Change {
        before: moved(change.before),
        after: moved(change.after),
    }
}

#[rstest]
#[case::its_column(left("column", "essays.title", "text"), false)]
#[case::its_index(
    left("index", "ix", "CREATE INDEX ix ON public.essays USING btree (a)"),
    false
)]
#[case::its_sequence(left("sequence", "ids", "OWNED BY public.essays.id"), false)]
#[case::a_column_of_another(left("column", "essays_2.title", "text"), true)]
#[case::an_index_of_another(
    left("index", "ix", "CREATE INDEX ix ON public.essays_2 USING btree (a)"),
    true
)]
#[case::a_sequence_of_another(left("sequence", "ids", "OWNED BY public.essays_2.id"), true)]
#[case::a_sequence_of_none(left("sequence", "ids", ""), true)]
#[case::in_another_schema(elsewhere(left("column", "essays.title", "text")), true)]
fn what_comes_with_a_table_is_not_listed(#[case] change: Change, #[case] listed: bool) {
    let name = change.any().unwrap().name.clone();
    for kind in ["table", "foreign table", "view", "materialized view"] {
        let changes = [left(kind, "essays", ""), change.clone()];
        let expected = if listed {
            vec!["essays", &name]
        } else {
            vec!["essays"]
        };
        assert_eq!(kept(&changes), expected);
    }
    assert_eq!(
        kept(&[left("function", "essays", ""), change.clone()]),
        ["essays", &name]
    );
    assert_eq!(
        kept(&[other("table", "essays", "a", "b"), change]),
        ["essays", &name]
    );
}

#[rstest]
#[case::its_own(left("index", "key", ""), false)]
#[case::of_another(left("index", "ey", ""), true)]
#[case::no_index(left("trigger", "key", ""), true)]
#[case::in_another_schema(elsewhere(left("index", "key", "")), true)]
#[case::it_is_gone(gone("index", "key", ""), true)]
#[case::it_is_another(other("index", "key", "a", "b"), true)]
fn the_index_of_a_constraint_is_not_listed(#[case] change: Change, #[case] listed: bool) {
    let name = change.any().unwrap().name.clone();
    let changes = [left("constraint", "essays.key", ""), change.clone()];
    let expected = if listed {
        vec!["essays.key", &name]
    } else {
        vec!["essays.key"]
    };
    assert_eq!(kept(&changes), expected);
    assert_eq!(
        kept(&[left("rule", "essays.key", ""), change]),
        ["essays.key", &name]
    );
}

#[test]
fn the_index_of_a_constraint_that_is_gone_is_not_listed() {
    assert_eq!(
        kept(&[gone("constraint", "a.key", ""), gone("index", "key", "")]),
        ["a.key"]
    );
    assert_eq!(
        kept(&[gone("constraint", "a.key", ""), left("index", "key", "")]),
        ["a.key", "key"]
    );
    assert_eq!(
        kept(&[
            other("constraint", "a.key", "x", "y"),
            other("index", "key", "x", "y")
        ]),
        ["a.key"]
    );
}
