"""Tables that several revisions create."""

import sqlalchemy as sa
from alembic import op


def create_essay_table() -> None:
    """Create the essays."""
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))
