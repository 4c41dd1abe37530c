"""The service's tables. No migration imports them before it needs them."""

import sqlalchemy as sa
from settings import metadata

essays = sa.Table("essays", metadata, sa.Column("id", sa.Uuid(), primary_key=True))
