"""Models that a revision imports. An import that fails half-way spoils the next one:
the table is in the metadata already."""

import sqlalchemy as sa
from application import metadata, require_context

ESSAYS = sa.Table("essays", metadata, sa.Column("id", sa.Integer(), primary_key=True))
require_context()
