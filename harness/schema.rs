//! A catalog as text that a person reads and a repository keeps, and back.
//!
//! [`text`] writes it: one [`Block`] per object, sorted by schema, kind and name.
//! [`read`] takes such a text apart again, and [`differences`] compares two of them.
//! Everything in here is a pure function.
//!
//! The text keeps these promises: it depends on the catalog alone, and names no oid,
//! version, owner or role of the server. Its statements build the same catalog in an
//! empty database, in the order of the file where every object needs only what stands
//! before it. Sorting comes first: a view may stand before one that it reads. What
//! failed for that reason succeeds when the file is run once more. Objects whose
//! definition a catalog does not hold (operators, casts, text search, foreign servers)
//! are named, and nothing creates them.

mod compare;
mod kinds;
mod lines;
mod loss;
mod read;
mod render;
mod section;
mod spelling;
mod table;
mod unreadable;
mod view;

use crate::evidence::Catalog;

pub use compare::{Difference, Mark, PartChange, differences, out_of_place};
pub use kinds::SectionKind;
pub use loss::DataRisk;
pub use read::{Block, Key, Part, read};
pub use unreadable::Unreadable;

/// The schema of `catalog` as text; `name` is the service's.
#[must_use]
pub fn text(name: &str, catalog: &Catalog) -> String {
    let mut text = format!(
        "-- The accepted schema of {name} at head: one object after another,\n\
         -- sorted by schema, kind and name. Not edited by hand: UPDATE_SCHEMAS=1 writes it.\n"
    );
    let written = render::written(catalog);
    if written.iter().any(|one| one.kind.has_body()) {
        text.push_str("\nSET check_function_bodies = false;\n");
    }
    for one in written {
        text.push_str(&format!(
            "\n{}\n{}\n",
            one.header(),
            one.statements.trim_end()
        ));
    }
    text
}

#[cfg(test)]
mod tests;
