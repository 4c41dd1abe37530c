"""The model as it is today."""

import sqlalchemy as sa

essays = sa.Table(
    "essays",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
    sa.Column("language", sa.Text(), default="sv"),
)
