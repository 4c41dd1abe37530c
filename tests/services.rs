//! Every criterion on every service of the manifest, one test case each.

migration_harness::services!();
