"""Lists of 督办单 and 退回: the few items that have them are found by an index of these alone.

Nothing that was there changes: a program of the schema before can go on with it.
"""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, column, some in (("board_slips", "slips", "slips <> ''"), ("board_returns", "returns", "returns <> 0")):
        op.create_index(name, "board", [column], sqlite_where=text(some), postgresql_where=text(some))
