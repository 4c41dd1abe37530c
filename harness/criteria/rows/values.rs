//! Values that are gone or others after a deployment.

use super::{Context, KeyedFinding, short};
use crate::criteria::Finding;
use crate::evidence::deployment::{AlteredValues, How, Known};

impl Context<'_> {
    /// Values that a deployment lost or changed.
    pub(super) fn altered(&self, altered: &AlteredValues) -> KeyedFinding {
        let subject = subject(altered);
        let names = names(altered);
        let revision = self.revision(&names).to_owned();
        let (title, word, advice) = match &altered.how {
            How::TableGone => (
                format!("revision {revision} drops {subject} with its rows"),
                "gone",
                "copy what is still needed first; drop it once no release uses it any more",
            ),
            How::ColumnGone => (
                format!("revision {revision} drops {subject} with its values"),
                "gone",
                "copy what is still needed first; drop it once no release uses it any more",
            ),
            How::RowsGone => (
                format!("revision {revision} loses rows of {subject}"),
                "rows",
                "name the rows that are to go in a DELETE of their own, before",
            ),
            How::Emptied => (
                format!("revision {revision} leaves no row of {subject}"),
                "rows",
                "copy the rows into what takes the table's place",
            ),
            How::Changed => (
                format!("revision {revision} changes values of {subject} that it does not name"),
                "changed",
                "look at what runs beside it: a trigger, a USING, a cast",
            ),
            How::Converted { from, to } => (
                format!(
                    "revision {revision} converts {subject} from {from} to {to}, and values do not come back"
                ),
                "type",
                "choose a type that holds all values, or keep the old column until nobody needs it",
            ),
        };
        let finding = Finding::new(title)
            .mark(self.place(&names).as_ref(), "after this")
            .note(extent(altered))
            .help(advice);
        let key = format!("{revision} {subject} {word}");
        let mut keyed = self.accept(finding, key, "where nobody needs them");
        if let Some(known) = self.known.filter(|known| is_unknown(altered, known)) {
            let release = &known.release;
            let title = &mut keyed.finding.title;
            title.push_str(&format!(
                ", which the running release ({release}) does not know any more"
            ));
            keyed.is_red = false;
        }
        keyed
    }

    /// Old values that the way back does not give back.
    pub(super) fn not_restored(&self, altered: &AlteredValues) -> KeyedFinding {
        let subject = subject(altered);
        let names = names(altered);
        let revision = self.revision(&names).to_owned();
        let finding = Finding::new(format!("going down does not give the values of {subject} back"))
            .mark(self.place(&names).as_ref(), "after this")
            .note(extent(altered))
            .help("let downgrade() restore them, or declare the revision one-way in the manifest: [downgrade.one_way]");
        let key = format!("{revision} {subject} not restored");
        self.tolerate(finding, key, "where nobody will go back")
    }
}

/// The note on what a deployment does to rows or columns that it names.
pub(super) fn meant(altered: &AlteredValues) -> String {
    let subject = subject(altered);
    let AlteredValues { rows, of, .. } = altered;
    match altered.how {
        How::RowsGone | How::Emptied | How::TableGone => {
            format!("{rows} of {of} rows of {subject} are removed, as a statement says")
        }
        _ => format!("{rows} of {of} values of {subject} are set, as a statement says"),
    }
}

/// Tells whether a table or column that is gone is none of the running release's: the step
/// in which a deployment takes away what an earlier one replaced.
fn is_unknown(altered: &AlteredValues, known: &Known) -> bool {
    let is_dropped = matches!(altered.how, How::TableGone | How::ColumnGone);
    let table = short(&altered.table).replace('"', "");
    is_dropped && !known.has(&table, altered.column.as_deref())
}

fn subject(altered: &AlteredValues) -> String {
    let table = short(&altered.table);
    match &altered.column {
        Some(column) => format!("{table}.{column}"),
        None => table.to_owned(),
    }
}

/// The names that a statement about it has.
fn names(altered: &AlteredValues) -> Vec<&str> {
    let table = altered.table.rsplit('.').next().unwrap_or(&altered.table);
    let table = table.trim_matches('"');
    [Some(table), altered.column.as_deref()]
        .into_iter()
        .flatten()
        .collect()
}

fn extent(altered: &AlteredValues) -> String {
    let AlteredValues {
        rows, of, example, ..
    } = altered;
    let shown = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(value) if value.chars().count() > 60 => {
            format!("'{}...'", value.chars().take(60).collect::<String>())
        }
        Some(value) => format!("'{value}'"),
    };
    match (&altered.how, &altered.column) {
        (How::ColumnGone, _) => format!(
            "{rows} of {of} values are in no column any more, for instance {}",
            shown(&example.0)
        ),
        (_, None) => format!("{rows} of {of} rows are gone, and so are their values"),
        _ => format!(
            "{rows} of {of} values are others, for instance {} is {} now",
            shown(&example.0),
            shown(&example.1)
        ),
    }
}
