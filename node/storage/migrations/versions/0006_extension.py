"""Requests for more time that wait are few among all that is open: found by an index of their own.

Nothing that was there changes: a program of the schema before can go on with it.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("board_extension", "board", ["extension"])
