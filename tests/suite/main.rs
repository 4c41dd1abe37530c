//! Tests of the stages, of each red path and of each provider, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod accept;
mod advice;
mod base_ref;
mod branches;
mod crashes;
mod credentials;
mod discover;
mod documentation;
mod drivers;
mod embedded;
mod faults;
mod fixes;
mod forks;
mod ground;
mod hostile;
mod integrations;
mod judge;
mod keep;
mod lines;
mod locks;
mod majors;
mod manifest;
mod monorepo;
mod offered;
mod outputs;
mod page;
mod parts;
mod planted;
mod planting;
mod postgres;
mod prefix;
mod program;
mod published;
mod relay;
mod report;
mod rows;
mod running;
mod schema;
mod selection;
mod servers;
mod wrong_database;
