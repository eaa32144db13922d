"""The board says of an own item that its date is the 暂定 one of its unit: a bit of its flags.

Nothing that was there changes; the logs in which own items with a unit and a date began are folded once more, over the
rows that are there. A program of the schema before can go on with it.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE log SET folded_seq = 0 WHERE log_no IN"
        " (SELECT opened_log_no FROM board WHERE kind = 'registered' AND unit <> '' AND due_day > 0)"
    )
    op.execute(
        "INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE folded_seq < head_seq"
        " AND log_no NOT IN (SELECT log_no FROM dirty_log)"
    )
