"""Merge.

Revision ID: f6
Revises: d4, e5
Create Date: 2025-09-10 11:54:06.133718
"""

revision = "f6"
down_revision = (
    "d4",  # the code
    # "zz" was dropped before it was deployed
    "e5",
)


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
