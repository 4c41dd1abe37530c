//! The value of Python code, as far as it is known without running it.
//!
//! [`Modules`] reads and finds modules within the monorepo; [`Reader`] follows a value
//! through names, imports, settings classes and functions; [`trace`] does so from an
//! `env.py`. What cannot be followed is [`Value::Unknown`], never guessed here.

mod call;
mod definition;
mod evaluate;
mod modules;
mod needed;
mod path;
mod settings;
pub mod trace;
mod value;

pub(super) use call::inside;
pub use definition::{flat, function_in, named_definitions};
pub use evaluate::Place;
pub use evaluate::{Reader, Rewrite};
pub use modules::{Module, Modules, module_file};
pub use needed::{NeededVariable, closure, mentioned, needed};
pub use path::{added, imported};
pub(super) use settings::last_name;
pub use value::{Class, Part, Value};
