"""Discounts, by the driver itself.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("CREATE TYPE discount AS ENUM ('none', '50%')")
    cursor.execute("CREATE TABLE offers (name text PRIMARY KEY, discount discount NOT NULL)")
    with cursor.copy("COPY offers FROM STDIN") as copy:
        copy.write_row(("summer", "50%"))
    cursor.executemany("INSERT INTO offers VALUES (%s, '50%%')", [("autumn",), ("winter",)])


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("DROP TABLE offers")
    cursor.execute("DROP TYPE discount")
