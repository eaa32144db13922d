"""Lists of papers: the board says of which items there are 督办令, 整改清单, 通报 and 考核记分, as bits of its flags.

No column changes and nothing is dropped; all logs are folded once more, over the rows that are there.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM dirty_log")
    op.execute("UPDATE log SET folded_seq = 0")
    op.execute("INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE head_seq > 0")
