migration_harness::services!();
