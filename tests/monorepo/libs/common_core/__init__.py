"""Things that the services have in common: table shapes, domain enums, migration steps."""
